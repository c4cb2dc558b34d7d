"""The language model writes a word and the voice speaks a sentence, at real stand-ins; failures have a remedy."""

from typing import Any

import pytest

from config import Settings
from tests.parts.livekit_server import free_ports
from tests.parts.standins import Standin
from worker.doctor.findings import Finding, Verdict
from worker.doctor.round_trips import check_answer, check_voice
from worker.speech.catalogue import fault

KEY = "key-4711"


def settings(address: str, **changes: dict[str, Any]) -> Settings:
    given = {"api_key": KEY, "base_url": f"{address}/v1"}
    return Settings.model_validate({name: given | changes.get(name, {}) for name in ("llm", "tts")})


async def found(chosen: Settings) -> list[Finding]:
    findings = [await check_answer(chosen), await check_voice(chosen)]
    assert all(KEY not in finding.sentence + finding.remedy for finding in findings)
    return findings


async def test_both_are_tried_with_their_times_and_what_that_cost(openai_standin: Standin) -> None:
    answer, voice = await found(settings(openai_standin.url))
    assert (answer.verdict, voice.verdict) == (Verdict.FINE, Verdict.FINE), (answer, voice)
    assert "The language model began after" in answer.sentence and "tokens" in answer.sentence
    assert "it cost 15 characters" in voice.sentence


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_status_is_named(openai_standin: Standin, status: int) -> None:
    openai_standin.set_fault("status", status=status, count=9)
    for finding in await found(settings(openai_standin.url)):
        assert finding.verdict is Verdict.FAILED
        assert finding.sentence == fault(f"{finding.check[:3]}.http_{status}").sentence
        assert finding.remedy


async def test_nobody_there_is_told() -> None:
    (port,) = free_ports(1)
    for finding in await found(settings(f"http://127.0.0.1:{port}")):
        assert finding.verdict is Verdict.UNREACHABLE


async def test_without_a_key_nothing_is_tried() -> None:
    nothing: dict[str, Any] = {"api_key": None}
    for finding in await found(settings("http://127.0.0.1:1", llm=nothing, tts=nothing)):
        assert finding.verdict is Verdict.SKIPPED


async def test_a_plugin_is_tried_too_and_one_that_cannot_be_made_is_named() -> None:
    plugin = {"plugin": "livekit.plugins.no_such_thing:LLM", "api_key": None}
    answer, _ = await found(settings("http://127.0.0.1:1", llm=plugin))
    assert answer.verdict is Verdict.FAILED
    assert "uv pip install livekit-plugins-no-such-thing" in answer.sentence
