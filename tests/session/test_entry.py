"""What a job begins with."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import JobContext

from config import Loaded, Settings
from worker import errand
from worker.errand import Errand
from worker.session import entry
from worker.session.call import Call


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
        job=SimpleNamespace(id="AJ_2", metadata=errand.write(metadata, Errand(part=2, resume_of="AJ_1"))),
        proc=SimpleNamespace(userdata={entry.SETTINGS: SimpleNamespace(settings=Settings()), entry.VAD: None}),
    )
    await entry.entry(cast("JobContext", context))
    assert found == [metadata]
