"""The two sides of the contract: the stand-ins in every run, the vendors' services in `make test-live`."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import pytest

from tests.contract import services
from tests.contract.probe import Probe, record
from tests.contract.recording import Recording
from tests.contract.services import ChatService, SpeechService, StreamingService
from tests.live.run import LiveRun
from tests.parts.standins import Standin

Service = TypeVar("Service", bound=StreamingService | ChatService | SpeechService)

Keep = Callable[[str, Recording, Recording], None]
"""Keeps a vendor's name, its recording and the stand-in's."""

SIDES = [pytest.param("stand-in"), pytest.param("vendor", marks=pytest.mark.live)]
SKIPPED = "talks to the real services, which costs money: run `make test-live`"


class Side(Generic[Service]):
    """One service under test. Each probe is made once; what several tests look at is the same recording."""

    def __init__(
        self,
        service: Service,
        standin: Service | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.service = service
        self._standin = standin
        self._keep = keep
        self._recordings: dict[str, Recording] = {}

    def record(self, probe: Probe[Service]) -> Recording:
        """What the service does in a probe; of a vendor's service the stand-in's answer is kept beside it."""
        if probe.name not in self._recordings:
            self._recordings[probe.name] = asyncio.run(self._make(probe))
        return self._recordings[probe.name]

    async def _make(self, probe: Probe[Service]) -> Recording:
        if self._standin is None or self._keep is None:
            return await record(probe, self.service)
        vendor, standin = await asyncio.gather(record(probe, self.service), record(probe, self._standin))
        self._keep(self.service.name, vendor, standin)
        return vendor


@pytest.fixture(scope="module", params=SIDES)
def streaming(request: pytest.FixtureRequest, assemblyai_process: Standin) -> Side[StreamingService]:
    """Speech to text."""
    if request.param == "stand-in":
        return Side(services.streaming_standin(assemblyai_process))
    live = _live(request)
    return Side(live.services.streaming, services.streaming_standin(assemblyai_process, real_time=True), live.keep)


@pytest.fixture(scope="module", params=SIDES)
def chat(request: pytest.FixtureRequest, openai_process: Standin) -> Side[ChatService]:
    """The language model."""
    standin = services.chat_standin(openai_process)
    if request.param == "stand-in":
        return Side(standin)
    live = _live(request)
    if live.services.chat is None:
        pytest.skip("llm.plugin is set: the contract is that of OpenAI's chat completions")
    return Side(live.services.chat, standin, live.keep)


@pytest.fixture(scope="module", params=SIDES)
def speech(request: pytest.FixtureRequest, openai_process: Standin) -> Side[SpeechService]:
    """Text to speech."""
    standin = services.speech_standin(openai_process)
    if request.param == "stand-in":
        return Side(standin)
    live = _live(request)
    if live.services.speech is None:
        pytest.skip("tts.plugin is set: the contract is that of OpenAI's speech")
    return Side(live.services.speech, standin, live.keep)


def _live(request: pytest.FixtureRequest) -> LiveRun:
    """The run that somebody has agreed to; nothing else may spend their money."""
    live = request.config.pluginmanager.get_plugin(LiveRun.NAME)
    if not isinstance(live, LiveRun):
        pytest.skip(SKIPPED)
    return live
