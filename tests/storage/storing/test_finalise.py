"""A journal becomes a stored transcript, once and for all, and goes only when the store has confirmed."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.storage.disks import RecordingDisk, full
from tests.storage.recovery.lost_node import FarDirectory
from tests.transcript.journals import BEGAN, lines, started
from worker.storage.disk import Disk
from worker.storage.errors import (
    JournalInUse,
    JournalMissing,
    JournalUnreadable,
    StorageUnwritable,
    StoredDiffers,
)
from worker.storage.journal.journal import Journal
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.storage.storing.segments import stored_parts
from worker.transcript.events import Event, Note, PartEnded, SttClosed, UserFinal, UserTurn
from worker.transcript.render import formats
from worker.transcript.render import json as as_json

PREFIX = "2026/11/21/support/RM_1-verbatim"
END = PartEnded(reason="caller_left")
HELLO = UserFinal(participant="caller", text="hello", stream="S1", turn_order=0)
CALL: list[tuple[int, Event]] = [
    (0, started()),
    (900, HELLO),
    (950, UserTurn(participant="caller", text="")),
    (5000, END),
]
BILLED: tuple[int, Event] = (5600, SttClosed(stream="S1", billed_seconds=4.5))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


def written(directory: Path, *events: tuple[int, Event], job: str = "AJ_1", cut: int = 0) -> Path:
    data = b"".join(lines(*events))
    return written_bytes(directory, data[: len(data) - cut], job)


def written_bytes(directory: Path, data: bytes, job: str = "AJ_1") -> Path:
    path = directory / "journals/RM_1-verbatim" / f"{job}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def everything(store: Store) -> dict[str, bytes | None]:
    return {key: await store.get(key) for key in await store.list()}


async def test_a_call_is_stored_with_its_lines_and_a_manifest_that_vouches_for_all(
    store: Store, tmp_path: Path
) -> None:
    path = written(tmp_path, *CALL)
    data = path.read_bytes()
    stored = await finalise([path], store)
    assert stored is not None
    assert stored.prefix == PREFIX
    assert list(stored.keys) == [
        f"{PREFIX}/parts/AJ_1/000001.jsonl",
        f"{PREFIX}/transcript.json",
        f"{PREFIX}/transcript.md",
        f"{PREFIX}/transcript.srt",
        f"{PREFIX}/transcript.txt",
        f"{PREFIX}/transcript.vtt",
        f"{PREFIX}/manifest.json",
    ]
    assert await store.get(stored.keys[0]) == data
    manifest = json.loads(await store.get(stored.keys[-1]) or b"")
    assert (manifest["state"], manifest["generation"], manifest["complete"]) == ("final", 1, True)
    head = json.loads(data.splitlines()[-1])["h"]
    assert manifest["parts"] == [
        {"part": 1, "job": "AJ_1", "events": 4, "last_seq": 3, "head": head, "source": "journal"}
    ]
    for name, described in manifest["files"].items():
        content = await store.get(f"{PREFIX}/{name}")
        assert content is not None
        assert described == {"size": len(content), "sha256": sha256(content).hexdigest()}
    assert as_json.read(await store.get(f"{PREFIX}/transcript.json") or b"") == stored.transcript


async def test_the_journal_and_its_directory_are_gone_afterwards(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, *CALL)
    await finalise([path], store)
    assert list((tmp_path / "journals").iterdir()) == []
    with pytest.raises(JournalMissing):
        await finalise([path], store)


async def test_the_journal_goes_only_after_the_manifest_is_on_the_disk(tmp_path: Path) -> None:
    disk = RecordingDisk()
    path = written(tmp_path, *CALL)
    await finalise([path], DirectoryStore(tmp_path / "transcripts", disk), disk=disk)
    assert disk.calls[-2] == ("remove", path)
    before = disk.calls[:-2]
    assert before[-1] == ("sync_directory", tmp_path / "transcripts" / PREFIX)
    manifest = [data for call, data in before if call == "write"][-1]
    assert b'"format": "verbatim.manifest/1"' in bytes(manifest)


async def test_a_store_that_refuses_leaves_the_journal(tmp_path: Path) -> None:
    disk = full()
    disk.failing = True
    path = written(tmp_path, *CALL)
    data = path.read_bytes()
    with pytest.raises(StorageUnwritable):
        await finalise([path], DirectoryStore(tmp_path / "transcripts", disk))
    assert path.read_bytes() == data


async def test_a_put_of_a_job_that_died_may_land_late_and_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FarDirectory(tmp_path / "transcripts")
    path = written(tmp_path, *CALL)
    put, late = store.put, [path.read_bytes().splitlines(keepends=True)[0]]

    async def overtaken(key: str, content: bytes) -> None:
        await put(key, content)
        if key.endswith("/manifest.json") and late:
            await put(f"{PREFIX}/parts/AJ_1/000001.jsonl", late.pop())

    monkeypatch.setattr(store, "put", overtaken)
    with pytest.raises(StoredDiffers, match=r"parts/AJ_1/000001.jsonl is not stored as the manifest says"):
        await finalise([path], store)
    assert path.exists()
    stored = await finalise([path], store)
    assert stored is not None
    assert (stored.manifest.parts[0].events, stored.manifest.complete) == (4, True)
    assert (await stored_parts(store, PREFIX))["AJ_1"].data == b"".join(lines(*CALL))
    assert not path.exists()


async def test_finalising_twice_writes_the_same_bytes(store: Store, tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    first = await everything(store)
    await finalise([written(tmp_path, *CALL)], store)
    assert await everything(store) == first


async def test_finalising_what_is_stored_writes_nothing(tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], DirectoryStore(tmp_path / "transcripts"))
    disk = RecordingDisk()
    await finalise([written(tmp_path, *CALL)], DirectoryStore(tmp_path / "transcripts", disk))
    assert disk.calls == []


async def test_two_nodes_write_the_same_bytes(tmp_path: Path) -> None:
    one, other = DirectoryStore(tmp_path / "one"), DirectoryStore(tmp_path / "other")
    await finalise([written(tmp_path, *CALL)], one)
    await finalise([written(tmp_path, *CALL)], other)
    assert await everything(one) == await everything(other)


async def test_what_comes_after_storing_is_one_more_generation(store: Store, tmp_path: Path) -> None:
    first = await publish([written(tmp_path, *CALL)], store)
    second = await finalise([written(tmp_path, *CALL, BILLED)], store)
    assert second is not None
    assert (first.manifest.generation, second.manifest.generation) == (1, 2)
    assert second.transcript.usage.stt_billed_seconds == 4.5
    segments = [await store.get(key) for key in await store.list(f"{PREFIX}/parts")]
    assert b"".join(each or b"" for each in segments) == b"".join(lines(*CALL, BILLED))


async def test_fewer_events_never_replace_more(store: Store, tmp_path: Path) -> None:
    await publish([written(tmp_path, *CALL, BILLED)], store)
    before = await everything(store)
    stored = await finalise([written(tmp_path, *CALL[:2])], store)
    assert await everything(store) == before
    assert stored is not None
    assert stored.transcript.complete


async def test_other_lines_of_a_stored_part_are_refused_and_nothing_changes(store: Store, tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    before = await everything(store)
    path = written(tmp_path, CALL[0], (1, Note(text="another call")))
    with pytest.raises(StoredDiffers, match="nothing was changed"):
        await finalise([path], store)
    assert await everything(store) == before
    assert path.exists()


async def test_a_stored_transcript_whose_lines_are_gone_is_not_replaced_by_less(store: Store, tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    await store.delete(f"{PREFIX}/parts/AJ_1/000001.jsonl")
    before = await everything(store)
    with pytest.raises(StoredDiffers, match="was made from 4 events of job AJ_1, and only 2 are here"):
        await finalise([written(tmp_path, *CALL[:2])], store)
    assert await everything(store) == before


@pytest.mark.parametrize("name", ["transcript.json", "transcript.md"])
async def test_a_file_that_is_gone_or_changed_is_written_again(store: Store, tmp_path: Path, name: str) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    before = await everything(store)
    await store.put(f"{PREFIX}/{name}", b"changed")
    await finalise([written(tmp_path, *CALL)], store)
    assert await everything(store) == before


async def test_a_crash_between_transcript_and_manifest_is_mended_by_the_next_run(store: Store, tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    before = await everything(store)
    await store.delete(f"{PREFIX}/manifest.json")
    await finalise([written(tmp_path, *CALL)], store)
    assert await everything(store) == before


async def test_a_later_part_joins_the_one_that_is_stored(store: Store, tmp_path: Path) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    more = UserFinal(participant="caller", text="I am back", stream="S2", turn_order=0)
    second: list[tuple[int, Event]] = [(6000, started(2, "AJ_2")), (6500, more), (7000, END)]
    data = b"".join(lines(*[(ms - 6000, event) for ms, event in second], began=BEGAN.replace(second=6)))
    stored = await finalise([written_bytes(tmp_path, data, "AJ_2")], store)
    assert stored is not None
    assert [turn.text for turn in stored.transcript.turns] == ["hello", "I am back"]
    assert [part.job for part in stored.manifest.parts] == ["AJ_1", "AJ_2"]
    assert stored.manifest.generation == 2


async def test_a_torn_journal_is_stored_as_far_as_it_was_accepted(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, *CALL, cut=5)
    stored = await finalise([path], store)
    assert stored is not None
    assert (stored.transcript.ended.reason, stored.transcript.complete) == ("crashed", False)
    assert [turn.text for turn in stored.transcript.turns] == ["hello"]
    assert not path.exists()


async def test_a_damaged_journal_is_stored_as_far_as_it_is_whole_and_stays(store: Store, tmp_path: Path) -> None:
    data = bytearray(b"".join(lines(*CALL)))
    data[-40] ^= 1
    path = written_bytes(tmp_path, bytes(data))
    stored = await finalise([path], store)
    assert stored is not None
    assert "the journal of part 1 is unreadable from line 4: " in stored.transcript.gaps[0].reason
    assert not stored.transcript.complete
    assert path.read_bytes() == bytes(data)


async def test_a_journal_that_is_damaged_from_the_first_line_stays_and_is_named(store: Store, tmp_path: Path) -> None:
    path = written_bytes(tmp_path, b"{}\n")
    with pytest.raises(JournalUnreadable, match=r"AJ_1\.jsonl, line 1: 3 bytes that do not end in a chain link"):
        await finalise([path], store)
    assert path.exists()
    assert await everything(store) == {}


@pytest.mark.parametrize("data", [b"", b'{"v":1,"seq":0'])
async def test_a_journal_in_which_nothing_was_accepted_is_removed(store: Store, tmp_path: Path, data: bytes) -> None:
    path = written_bytes(tmp_path, data)
    assert await finalise([path], store) is None
    assert not path.exists()


async def test_a_journal_of_a_newer_version_is_left_untouched(store: Store, tmp_path: Path) -> None:
    covered = b'{"v":2,"seq":0,"at":"2026-11-21T10:00:00.000Z","ms":0,"kind":"note"'
    line = covered + b',"h":"%s"}\n' % sha256(covered).hexdigest()[:16].encode()
    path = written_bytes(tmp_path, line)
    with pytest.raises(JournalUnreadable, match="format version is 2, this program reads up to 1: finalise it with"):
        await finalise([path], store)
    assert path.read_bytes() == line


async def test_a_living_journal_is_published_but_not_finalised(store: Store, tmp_path: Path) -> None:
    journal = await Journal.create(tmp_path / "journals", "RM_1-verbatim", "AJ_1")
    journal.append(started())
    await journal.append(HELLO)
    stored = await publish([journal.path], store)
    assert [turn.text for turn in stored.transcript.turns] == ["hello"]
    with pytest.raises(JournalInUse):
        await finalise([journal.path], store)
    journal.append(END)
    await journal.close()
    last = await finalise([journal.path], store)
    assert last is not None
    assert (last.transcript.complete, last.manifest.generation) == (True, 2)
    assert not journal.path.exists()


async def test_lines_that_are_only_in_memory_are_published_and_never_lost_again(store: Store, tmp_path: Path) -> None:
    data = b"".join(lines(*CALL, BILLED))
    told = data.splitlines(keepends=True)
    path = written_bytes(tmp_path, b"".join(told[:2]) + told[2][:9])
    stored = await publish([path], store, memory={path: b"".join(told[2:])})
    assert (stored.transcript.complete, stored.manifest.parts[0].events) == (True, 5)
    before = await everything(store)
    again = await finalise([path], store)
    assert again is not None and again.manifest == stored.manifest
    assert await everything(store) == before
    assert not path.exists()


async def test_a_call_whose_journals_directory_is_gone_is_published_from_memory(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journals/RM_1-verbatim/AJ_1.jsonl"
    with pytest.raises(JournalMissing):
        await publish([path], store, memory={path: b""})
    stored = await publish([path], store, memory={path: b"".join(lines(*CALL))})
    assert stored.transcript.complete
    assert ["cannot be held" in record.getMessage() for record in caplog.records] == [True]


async def test_what_a_crash_left_in_the_store_goes_when_the_session_is_finalised(store: Store, tmp_path: Path) -> None:
    for name in ("transcript.json#123", "parts/AJ_1/000001.jsonl#45"):
        left = tmp_path / "transcripts" / PREFIX / name
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
    await finalise([written(tmp_path, *CALL)], store)
    assert [path.name for path in (tmp_path / "transcripts").rglob("*#*")] == []


async def test_the_files_of_a_journal_whose_disk_failed_become_one_transcript(store: Store, tmp_path: Path) -> None:
    told = lines(*CALL)
    path = written_bytes(tmp_path, told[0] + told[1] + told[2][:7])
    written_bytes(tmp_path, b"".join(told[1:3]), "AJ_1.1")
    written_bytes(tmp_path, told[3], "AJ_1.2")
    stored = await finalise([path], store)
    assert stored is not None and stored.transcript.complete
    assert await store.get(f"{PREFIX}/parts/AJ_1/000001.jsonl") == b"".join(told)
    assert list((tmp_path / "journals").iterdir()) == []


async def test_only_the_forms_that_are_wanted_are_stored(store: Store, tmp_path: Path) -> None:
    stored = await finalise([written(tmp_path, *CALL)], store, formats=formats(["json"], 32))
    assert stored is not None
    assert [key.rpartition("/")[2] for key in stored.keys] == ["000001.jsonl", "transcript.json", "manifest.json"]


async def test_captions_are_as_long_as_was_asked_for(store: Store, tmp_path: Path) -> None:
    long = UserFinal(participant="caller", text="one two three four five six", stream="S1", turn_order=0)
    await finalise([written(tmp_path, (0, started()), (900, long), (950, END))], store, formats(["srt"], 14))
    captions = (await store.get(f"{PREFIX}/transcript.srt") or b"").decode()
    assert "one two three four" not in captions and "five six" in captions


async def test_journals_of_two_sessions_are_refused(store: Store, tmp_path: Path) -> None:
    one = written(tmp_path, *CALL)
    other = written(tmp_path, (0, started(room_sid="RM_2", job="AJ_2")), job="AJ_2")
    with pytest.raises(JournalUnreadable, match=r"^2 sessions in one call: finalise each by itself$"):
        await finalise([one, other], store)


async def test_a_room_whose_creation_date_is_unknown_is_stored_under_the_day_of_its_first_event(
    store: Store, tmp_path: Path
) -> None:
    stored = await finalise([written(tmp_path, (0, started(room_created_at="")), (1, END))], store, disk=Disk())
    assert stored is not None
    assert stored.prefix == PREFIX


@pytest.mark.parametrize(
    "change",
    [
        {"format": "verbatim.manifest/2"},
        {"files": {"../../RM_2/transcript.json": {"size": 1, "sha256": ""}}},
        {"files": {"/etc/passwd": {"size": 1, "sha256": ""}}},
        {"files": {"a" * 300: {"size": 1, "sha256": ""}}},
        {"files": {"transcript.\u0000": {"size": 1, "sha256": ""}}},
    ],
)
async def test_a_manifest_of_a_newer_form_or_with_names_that_are_none_is_left_as_it_is(
    store: Store, tmp_path: Path, change: dict[str, object]
) -> None:
    await finalise([written(tmp_path, *CALL)], store)
    key = f"{PREFIX}/manifest.json"
    manifest = json.loads(await store.get(key) or b"") | change
    await store.put(key, json.dumps(manifest).encode())
    before = await everything(store)
    journals = [written(tmp_path, *CALL, BILLED), written(tmp_path, (0, started(2, "AJ_2")), (9, END), job="AJ_2")]
    for journal in journals:
        with pytest.raises(StoredDiffers, match="nothing was changed"):
            await finalise([journal], store)
        assert journal.exists()
    assert await everything(store) == before
