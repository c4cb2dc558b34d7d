"""Traces tell how a call went, and nothing of what was said in it unless that is asked for."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from livekit.agents import Agent, APIError, APIStatusError, llm, telemetry
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from config.sections.telemetry import TelemetrySettings
from tests.parts.collector import Collector
from tests.session.capturing.test_capture import calls, says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.session.scene import Scene, patiently
from tests.speech.memory_recorder import PATIENCE_S
from worker.tracing import export
from worker.transcript.events import AgentSaid

INSTRUCTIONS = "Never mention the haddock."
ANSWER = "Certainly, gorgonzola it is."
GREETING = "Welcome to Luigi's."
ARGUMENTS = '{"topping": "anchovies"}'
OUTPUT = "mozzarella is sold out"
THROWN = "no such customer: Ada Lovelace"
PROVIDER = "your prompt contains salami"
WORDS = [
    "pizzas", "please", "haddock", "mention", "gorgonzola", "Certainly", "Luigi", "Welcome", "anchovies", "mozzarella",
    "Lovelace", "salami", "+49 30 901820",
]  # fmt: skip
"""Of everything that is said, asked, answered or thrown in the call."""


class Waiter(Agent):
    """Greets, and has a tool that tells something and one that fails."""

    def __init__(self) -> None:
        super().__init__(instructions=INSTRUCTIONS)

    async def on_enter(self) -> None:
        self.session.say(GREETING)

    @llm.function_tool
    async def order(self, topping: str) -> str:
        """Order a pizza with salami."""
        trace.get_current_span().set_attribute("customer", "Ada Lovelace")
        trace.get_current_span().add_event("looked up", {"phone": "+49 30 901820", "found": 3})
        return OUTPUT

    @llm.function_tool
    async def cancel(self) -> str:
        """Cancel the order."""
        raise KeyError(THROWN)


Traced = Callable[..., TracerProvider]


@pytest.fixture
def traced(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-project=verbatim")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=desk,deployment.environment=test")
    yield lambda **options: export.switch_on(TelemetrySettings(**options), "reception")
    telemetry.tracer.set_provider(trace.get_tracer_provider())


@pytest.fixture
def provider(traced: Traced) -> TracerProvider:
    return traced()


class ReadySpeaker(Speaker):
    """Plays whatever it is given."""

    def flush(self) -> None:
        super().flush()
        asyncio.get_running_loop().call_soon(self.play_all)


async def hold_a_call(stage: Stage) -> None:
    """A greeting; a turn with two tools, of which one fails, and an answer; then a failure of the model."""
    stage.llm.outcomes = [
        [*calls("order", ARGUMENTS), *calls("cancel")], says(ANSWER), APIStatusError(PROVIDER, status_code=400),
    ]  # fmt: skip
    scene = Scene(stage, ReadySpeaker())
    connection = await scene.begin(Waiter())
    await scene.say(connection)
    async with asyncio.timeout(PATIENCE_S):
        while [each.text for each in stage.recorder.of(AgentSaid)] != [GREETING, ANSWER]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(APIError):
        await patiently(stage.session.run(user_input="please"))
    await stage.session.aclose()


async def test_what_is_exported_tells_how_the_call_went_and_no_word_of_it(
    provider: TracerProvider, collector: Collector, stage: Stage
) -> None:
    await hold_a_call(stage)
    await asyncio.to_thread(provider.force_flush)
    spans = {span.name: span for span in collector.spans}
    assert {"agent_session", "user_turn", "agent_turn", "llm_node", "tts_node", "function_tool"} <= spans.keys()
    for word in WORDS:
        assert word.encode() not in collector.content, word
    texts = {attribute.key: attribute.value.string_value for span in collector.spans for attribute in span.attributes}
    assert texts["lk.function_tool.name"] in ("order", "cancel")
    assert texts["verbatim.agent"] == "reception"
    assert "lk.response.ttft" in texts, "numbers are there"
    failed = [span for span in collector.spans if span.status.code == span.status.STATUS_CODE_ERROR]
    assert failed, "that something failed is there"
    assert {span.status.message for span in failed} == {""}


async def test_with_content_the_words_are_there(collector: Collector, stage: Stage, traced: Traced) -> None:
    provider = traced(otlp_content=True)
    await hold_a_call(stage)
    await asyncio.to_thread(provider.force_flush)
    missing = [word for word in WORDS if word.encode() not in collector.content]
    assert not missing, "the other test looks for words that nobody would send"


async def test_opentelemetry_s_own_variables_hold(provider: TracerProvider, collector: Collector, stage: Stage) -> None:
    with telemetry.tracer.start_as_current_span("on_enter"):
        pass
    await asyncio.to_thread(provider.force_flush)
    assert b"desk" in collector.content and b"deployment.environment" in collector.content
    assert {headers["x-project"] for headers in collector.headers} == {"verbatim"}


@pytest.mark.slow
async def test_what_was_not_sent_when_a_job_s_process_ends_is_sent_then(collector: Collector) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("traced_job.py")),
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert await process.wait() == 0
    assert [span.name for span in collector.spans] == ["job_entrypoint"]
    (metric,) = [each for each in collector.metrics if each.name == "lk.agents.usage.tts_characters"]
    (point,) = metric.sum.data_points
    assert (point.as_int, [each.key for each in point.attributes]) == (5, ["model_name"]), "no series for each call"
    assert metric.sum.aggregation_temporality == 1, "what each process adds"
