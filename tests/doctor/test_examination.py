"""The examination makes every check, and survives whatever it finds."""

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config import Settings
from tests.parts.livekit_server import LiveKitServer, free_ports
from tests.parts.object_stores import ObjectServer
from tests.storage.left import call, everything_in, left
from worker.doctor import Verdict, examine
from worker.doctor.livekit import check_livekit
from worker.doctor.machine import check_port, check_temporary_files
from worker.doctor.storage import check_journal_directory, check_storage
from worker.storage.journal.lock import held

CHECKS = {
    "keys", "names", "clock", "livekit", "stt", "llm", "tts", "llm answer", "tts voice", "room", "storage", "journals",
    "port", "temporary files", "processors", "memory", "open files",
}  # fmt: skip


NO_PLACE: dict[str, Any] = {name: {"base_url": "http://127.0.0.1:1/v1"} for name in ("llm", "tts")}
"""No service outside this machine is asked."""


def settings(tmp_path: Path, **sections: Any) -> Settings:
    given = {
        "storage": {"url": (tmp_path / "transcripts").as_uri(), "journal_dir": str(tmp_path / "journals")},
        "fleet": {"health_host": "127.0.0.1", "health_port": 0},
    }
    return Settings.model_validate(given | sections).located(tmp_path)


async def test_without_any_key_every_check_still_has_its_finding(tmp_path: Path) -> None:
    findings = await examine(settings(tmp_path, stt={"base_url": "ws://127.0.0.1:1"}, **NO_PLACE))
    assert {finding.check for finding in findings} == CHECKS
    verdicts = {finding.check: finding.verdict for finding in findings}
    assert verdicts["keys"] is Verdict.FAILED
    skipped = ("clock", "livekit", "stt", "llm", "tts", "llm answer", "tts voice", "room")
    assert {verdicts[name] for name in skipped} == {Verdict.SKIPPED}
    assert {verdicts[name] for name in ("storage", "journals", "port", "temporary files")} == {Verdict.FINE}


async def test_an_examination_leaves_nothing_behind(tmp_path: Path) -> None:
    await examine(settings(tmp_path, stt={"base_url": "ws://127.0.0.1:1"}, **NO_PLACE))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_livekit_server_that_takes_the_keys_is_fine(livekit_server: LiveKitServer, tmp_path: Path) -> None:
    livekit = {"url": livekit_server.url, "api_key": livekit_server.api_key, "api_secret": livekit_server.api_secret}
    assert (await check_livekit(settings(tmp_path, livekit=livekit))).verdict is Verdict.FINE
    refused = await check_livekit(settings(tmp_path, livekit=livekit | {"api_secret": "wrong" * 8}))
    assert refused.verdict is Verdict.FAILED
    assert "wrongwrong" not in refused.sentence


async def test_a_livekit_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    livekit = {"url": f"ws://127.0.0.1:{port}", "api_key": "key", "api_secret": "secret" * 6}
    assert (await check_livekit(settings(tmp_path, livekit=livekit))).verdict is Verdict.UNREACHABLE


async def test_a_port_that_is_taken_is_found(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        finding = await check_port(settings(tmp_path, fleet={"health_host": "127.0.0.1", "health_port": port}))
    assert finding.verdict is Verdict.FAILED
    assert f"Port {port} on 127.0.0.1" in finding.sentence


async def test_a_place_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = {"url": (tmp_path / "file" / "transcripts").as_uri(), "journal_dir": str(tmp_path / "file" / "journals")}
    own = settings(tmp_path, storage=storage)
    assert (await check_storage(own)).verdict is Verdict.FAILED
    assert (await check_journal_directory(own)).verdict is Verdict.FAILED


@pytest.mark.usefixtures("short_pauses")
async def test_a_bucket_that_cannot_be_reached_is_told_apart_from_one_that_refuses(
    tmp_path: Path, moto: ObjectServer, no_clouds: pytest.MonkeyPatch
) -> None:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    bucket = moto.new_bucket()
    verdicts = []
    for url, port in ((bucket, moto.port), (f"{bucket}-other", moto.port), (bucket, free_ports(1)[0])):
        storage = {"url": f"s3://{url}", "endpoint": f"http://127.0.0.1:{port}", "journal_dir": str(tmp_path)}
        verdicts.append((await check_storage(settings(tmp_path, storage=storage))).verdict)
    assert verdicts == [Verdict.FINE, Verdict.FAILED, Verdict.UNREACHABLE]


@pytest.mark.parametrize(("size", "verdict"), [(900_000, Verdict.WARNING), (1_000_000, Verdict.FAILED)])
async def test_journals_that_fill_their_room_are_found(tmp_path: Path, size: int, verdict: Verdict) -> None:
    left(tmp_path / "journals", b"x" * size)
    storage = {"url": tmp_path.as_uri(), "journal_dir": str(tmp_path / "journals"), "spool_max_mb": 1}
    finding = await check_journal_directory(settings(tmp_path, storage=storage))
    assert (finding.verdict, "storage.spool_max_mb" in finding.remedy) == (verdict, True)
    assert f"holds 1 journal, {size / 1_000_000:.1f} of 1 MB, the oldest at rest for" in finding.sentence


async def test_a_disk_with_less_room_than_journals_may_take_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=999_000_000))
    finding = await check_journal_directory(settings(tmp_path))
    assert finding.verdict is Verdict.WARNING
    assert "has 999 MB of room on its disk, and storage.spool_max_mb is 1000" in finding.sentence


async def test_journals_of_calls_whose_process_died_are_found(tmp_path: Path) -> None:
    left(tmp_path / "journals", call())
    living = left(tmp_path / "journals", call(2), name="AJ_2")
    before = everything_in(tmp_path)
    with held(living):
        finding = await check_journal_directory(settings(tmp_path))
    assert finding.verdict is Verdict.WARNING
    assert "has 1 journal of calls whose process died" in finding.sentence
    assert "verbatim transcripts recover" in finding.remedy
    assert everything_in(tmp_path) == before


def test_temporary_files_that_cannot_be_written_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert check_temporary_files().verdict is Verdict.FAILED
