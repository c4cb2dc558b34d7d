"""What a worker tells of real calls: numbers that add up, also of one that was killed, and no word that was said."""

import asyncio
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from standins.caller import Caller
from tests.parts.collector import Collector
from tests.parts.livekit_server import running
from tests.parts.standins import standin
from tests.rooms import patient_caller
from tests.rooms.conversation import new_room
from tests.rooms.patient_caller import QUESTION
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.worker_process import WorkerProcess, working
from worker.metrics.definitions import EVENTS_ACCEPTED, EVENTS_STORED, RECOVERED, SESSIONS_ENDED, UPLOADS

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server", "flite"), pytest.mark.timeout(600)]

PATIENCE_S = 150.0
OF_A_CALL = {"transcript", "part", "room", "room_id", "job_id"}
"""Fields by which a line of the log is found."""

BY_THE_WORKER = {"process exited with non-zero exit code -9", "process exiting"}
"""What the worker itself says of a call's process."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Surroundings]:
    with (
        running(tmp_path) as livekit,
        standin("assemblyai", ["--engine", "light"], tmp_path / "assemblyai.log") as assemblyai,
        standin("openai", [], tmp_path / "openai.log") as openai,
    ):
        yield Surroundings(livekit, assemblyai, openai, tmp_path)


class Numbers:
    """What `/metrics` of a worker says."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._url = f"http://127.0.0.1:{worker.port}/metrics"

    async def of(self, name: str, **labels: str) -> float:
        samples = await asyncio.to_thread(self._samples)
        return samples[name, tuple(sorted(labels.items()))]

    async def is_told(self, value: float, name: str, **labels: str) -> None:
        async def look() -> bool | None:
            return await self.of(name, **labels) == value or None

        await until(look, PATIENCE_S, f"{name} is not {value}, but {await self.of(name, **labels)},")

    def _samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = [sample for family in families for sample in family.samples]
            return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


async def test_what_is_told_of_calls_adds_up_and_quotes_none_of_them(place: Surroundings, collector: Collector) -> None:
    settings = {
        "VERBATIM_TELEMETRY__OTLP_ENDPOINT": collector.url,
        "VERBATIM_TELEMETRY__LOG_LEVEL": "debug",
        "VERBATIM_STORAGE__SWEEP_SECONDS": "1",
        "VERBATIM_AGENT__HANG_UP": "false",
        "VERBATIM_FLEET__SEND_AGAIN": "false",  # one agent a call
    }
    with working(place, "verbatim", settings) as worker:
        numbers = Numbers(worker)
        room = new_room("told")
        served = await patient_caller.call(place.livekit.url, place.invite(room), room, PATIENCE_S)
        stored = await place.stored(room, PATIENCE_S)
        how = stored.transcript.ended.reason  # on a busy machine the room may be gone before the agent knows who left
        await numbers.is_told(1, SESSIONS_ENDED.name, reason=how)
        await numbers.is_told(len(stored.journal), EVENTS_STORED.name)
        assert await numbers.of(EVENTS_ACCEPTED.name) == len(stored.journal)
        assert await numbers.of(UPLOADS.name, kind="transcript") >= 1
        await numbers.is_told(0, "verbatim_sessions_running")
        assert await numbers.of("verbatim_worker_ready") == 1

        killed = new_room("killed")
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(killed))
            await caller.wait_for_agent()
            await caller.listen()
            os.kill(pid_of(worker, killed), signal.SIGKILL)
            left = await place.stored(killed, PATIENCE_S)
            await numbers.is_told(1, SESSIONS_ENDED.name, reason="crashed")
        assert await numbers.of(RECOVERED.name, origin="this_node") == 1
        events = len(stored.journal) + len(left.journal)
        assert await numbers.of(EVENTS_STORED.name) == await numbers.of(EVENTS_ACCEPTED.name) == events
        for _ in range(3):
            assert await numbers.of(SESSIONS_ENDED.name, reason=how) == 1

    of_calls = {pid_of(worker, room), pid_of(worker, killed)}
    lines = [line for line in lines_of(worker) if line.get("pid") in of_calls and "job_id" in line]
    assert {line["message"] for line in lines if not line.keys() >= OF_A_CALL} <= BY_THE_WORKER
    said = [QUESTION, served.greeting, served.answer]
    for text in said:
        assert text not in worker.log
        assert text.encode() not in collector.content
    assert {"job_entrypoint", "agent_session", "agent_turn", "llm_node"} <= {span.name for span in collector.spans}
    assert stored.transcript.room.sid.encode() in collector.content


def lines_of(worker: WorkerProcess) -> list[dict[str, object]]:
    return [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]


def pid_of(worker: WorkerProcess, room: str) -> int:
    """The process of the call in `room`, by the log."""
    (pid,) = {line["pid"] for line in lines_of(worker) if line.get("room") == room and line.get("transcript")}
    assert isinstance(pid, int)
    return pid
