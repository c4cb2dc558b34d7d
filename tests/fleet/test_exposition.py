"""What calls counted is told once and for all, whatever becomes of their processes."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from tests.parts.counts import Counts
from worker.fleet import exposition as module
from worker.fleet.exposition import Exposition, Reading
from worker.metrics.definitions import (
    ANSWER,
    BUILD,
    EVENTS_ACCEPTED,
    SESSIONS_ENDED,
    SESSIONS_RUNNING,
    UPLOAD_OLDEST,
    of_worker,
)

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
READINGS = [Reading(SESSIONS_RUNNING, 3), Reading(BUILD, 1, ("1.0", "2.0"))]


class Job:
    """A process that counts."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("counting_job.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory), "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip

    def count(self, name: str, label: str = "-", amount: float = 1) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name} {label} {amount}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "counted\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics"


@pytest.fixture
def jobs(directory: Path) -> Iterator[list[Job]]:
    jobs = [Job(directory) for _ in range(2)]
    yield jobs
    for job in jobs:
        job.kill()


@pytest.fixture
def exposition(directory: Path, counts: Counts) -> Exposition:
    return Exposition(of_worker(), lambda: READINGS, directory)


async def told(exposition: Exposition, accept: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample, by name and labels, as Prometheus reads them."""
    body, content_type = await exposition.answer(accept)
    assert content_type.startswith(accept.partition(";")[0] or "text/plain")
    families = (openmetrics_families if accept else text_string_to_metric_families)(body.decode())
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples), "a series is told twice"
    return found


def value(samples: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_numbers_of_the_worker_and_of_its_calls_are_one_number(
    exposition: Exposition, jobs: list[Job], accept: str
) -> None:
    SESSIONS_ENDED.count(reason="crashed")
    SESSIONS_ENDED.count(reason="goodbye")
    jobs[0].count("SESSIONS_ENDED", "goodbye")
    jobs[1].count("SESSIONS_ENDED", "goodbye", 2)
    for job, seconds in zip(jobs, (0.45, 0.95), strict=True):
        job.count("ANSWER", amount=seconds)
    samples = await told(exposition, accept)
    assert value(samples, SESSIONS_ENDED.name, reason="goodbye") == 4
    assert value(samples, SESSIONS_ENDED.name, reason="crashed") == 1
    assert value(samples, SESSIONS_ENDED.name, reason="error") == 0
    assert value(samples, f"{ANSWER.name}_bucket", le="0.5") == 1
    assert value(samples, f"{ANSWER.name}_bucket", le="1.0") == value(samples, f"{ANSWER.name}_count") == 2
    assert value(samples, f"{ANSWER.name}_sum") == pytest.approx(1.4)
    assert value(samples, SESSIONS_RUNNING.name) == 3
    assert value(samples, BUILD.name, version="1.0", livekit_agents="2.0") == 1
    assert value(samples, "process_start_time_seconds") > 0, "the process's own metrics are among them"


async def test_what_a_killed_process_counted_is_neither_lost_nor_counted_again(
    exposition: Exposition, jobs: list[Job], directory: Path
) -> None:
    for job in jobs:
        job.count("EVENTS_ACCEPTED", amount=5)
        job.count("ANSWER", amount=0.45)
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 10
    jobs[0].kill()
    for _ in range(3):
        samples = await told(exposition)
        assert value(samples, EVENTS_ACCEPTED.name) == 10
        assert value(samples, f"{ANSWER.name}_bucket", le="0.5") == value(samples, f"{ANSWER.name}_count") == 2
    jobs[1].count("EVENTS_ACCEPTED", amount=1)
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 11
    jobs[1].kill()
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 11
    assert list(directory.iterdir()) == [], "files of dead processes are cleared away"


async def test_what_was_counted_between_the_last_look_and_a_death_is_counted(
    exposition: Exposition, jobs: list[Job]
) -> None:
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 0
    jobs[0].count("EVENTS_ACCEPTED", amount=7)
    jobs[0].kill()
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 7


async def test_what_waits_longest_is_told_while_its_process_lives(exposition: Exposition, jobs: list[Job]) -> None:
    assert value(await told(exposition), UPLOAD_OLDEST.name) == 0
    jobs[0].count("UPLOAD_OLDEST", amount=time.time() - 1000)
    jobs[1].count("UPLOAD_OLDEST", amount=time.time() - 500)
    assert 1000 <= value(await told(exposition), UPLOAD_OLDEST.name) < 1100
    jobs[0].kill()
    assert 500 <= value(await told(exposition), UPLOAD_OLDEST.name) < 600
    jobs[1].count("UPLOAD_OLDEST", amount=0)
    assert value(await told(exposition), UPLOAD_OLDEST.name) == 0


@pytest.mark.parametrize("content", [b"", b"\0" * 65536, b"no numbers at all", b"\xff" * 4096])
async def test_a_file_that_is_being_made_or_is_damaged_keeps_nobody_from_the_others(
    exposition: Exposition, directory: Path, content: bytes
) -> None:
    (directory / f"counter_{os.getpid()}.db").write_bytes(content)
    EVENTS_ACCEPTED.count(2)
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 2


async def test_two_who_ask_at_once_take_a_dead_process_over_once(exposition: Exposition, jobs: list[Job]) -> None:
    jobs[0].count("EVENTS_ACCEPTED", amount=3)
    jobs[0].kill()
    asking = [threading.Thread(target=exposition.of_jobs) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 3


async def test_dead_processes_are_cleared_away_also_when_nobody_asks(
    exposition: Exposition, jobs: list[Job], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLEAR_SECONDS", 0.01)
    jobs[0].count("EVENTS_ACCEPTED")
    jobs[0].kill()
    clearing = asyncio.create_task(exposition.run())
    async with asyncio.timeout(20):
        while any(str(jobs[0].process.pid) in path.name for path in directory.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    clearing.cancel()
    assert value(await told(exposition), EVENTS_ACCEPTED.name) == 1
