"""What a job begins with."""

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import JobContext
from livekit.agents.testing import fake_job_context
from livekit.protocol.agent import Job
from livekit.protocol.models import Room

from config import Loaded, load
from worker import errand
from worker.errand import Errand
from worker.logs import set_up_logging
from worker.session import entry
from worker.session.call import Call

LOADED = load(environ={})


def job_of(metadata: str) -> Job:
    return Job(id="AJ_2", room=Room(sid="RM_1", name="kitchen"), metadata=metadata)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("metadata", ['{"tenant": 7}', "tenant seven", ""])
async def test_the_operator_s_agent_finds_the_metadata_that_the_operator_wrote(
    metadata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    class Begun:
        def hand_over(self, seconds: float, done: object) -> None:
            pass

        async def run(self, _: object) -> None:
            pass

    async def begin(context: JobContext, _: Loaded, sent_for: Errand) -> Any:
        assert sent_for == Errand(part=2, resume_of="AJ_1", plain=sent_for.plain)
        found.append(context.job.metadata)
        return Begun()

    monkeypatch.setattr(Call, "begin", begin)
    context = SimpleNamespace(
        job=job_of(errand.write(metadata, Errand(part=2, resume_of="AJ_1"))),
        proc=SimpleNamespace(userdata={entry.SETTINGS: LOADED, entry.VAD: None}),
    )
    await entry.entry(cast("JobContext", context))
    assert found == [metadata]


async def test_every_line_of_a_job_s_log_says_whose_it_is_from_the_first_on(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    async def begin(*_: object) -> Any:
        logging.getLogger("verbatim.call").warning("the journal is opened")
        raise RuntimeError("no disk")

    monkeypatch.setattr(Call, "begin", begin)
    monkeypatch.setattr(entry, "close_room", begin)
    with fake_job_context() as context:
        context.job.CopyFrom(job_of(errand.write("", Errand(part=2))))
        context.proc.userdata[entry.SETTINGS] = LOADED
        set_up_logging("info", readable=False, stream=stream)
        context._on_setup()
        with pytest.raises(RuntimeError):
            await entry.entry(context)
        logging.getLogger("livekit.agents").error("from another thread, or the framework")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) >= 2
    wanted = {"transcript": "RM_1-verbatim", "part": 2, "room": "kitchen", "room_id": "RM_1", "job_id": "AJ_2"}
    for line in lines:
        assert wanted.items() <= line.items()
