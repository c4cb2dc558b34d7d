"""The plugin's STT, with streams that do not go deaf."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import aiohttp
from livekit.agents import APIConnectOptions, stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins import assemblyai

from worker.speech.assemblyai.connection import Pinging
from worker.speech.assemblyai.decisions import Decision
from worker.speech.assemblyai.echo_gate import EchoGate
from worker.speech.assemblyai.patience import Patience
from worker.speech.assemblyai.stream import RecordingStream
from worker.speech.deafness import Deafness
from worker.speech.recorder import Recorder


class RecordingSTT(assemblyai.STT):
    """The plugin's STT with our streams.

    Args:
        recorder: takes what the server says.
        http_session: carries the sockets; closed by `aclose`.
        patience: how long is waited for what.
        options: passed to `assemblyai.STT` unchanged.
    """

    def __init__(
        self,
        *,
        recorder: Recorder,
        http_session: aiohttp.ClientSession,
        patience: Patience | None = None,
        **options: Any,
    ) -> None:
        super().__init__(http_session=http_session, **options)
        self._recorder = recorder
        self._http_session = http_session
        self._patience = patience or Patience()
        self._first_options = dataclasses.replace(self._opts)
        self._farewells: set[asyncio.Task[None]] = set()
        self.deafness = Deafness(recorder)
        self.caller_speaks = False
        """Whether the local voice detection hears the caller now. Whoever has one keeps this up to date."""
        self.echo: EchoGate | None = None
        """Keeps the agent's own voice away, for a caller whose line gives it back."""
        self.given_up: Decision | None = None
        """Why there will be no other session in this call."""
        self.listens = True
        """Whether anything is recognised; what is heard meanwhile is kept, as while the provider is away."""
        self.disregards: Callable[[stt.SpeechEvent], bool] = lambda _: False
        """Tells which events are journaled and go no further."""

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> RecordingStream:
        """Return a stream; `language` is set at construction, as with the plugin."""
        stream = RecordingStream(
            owner=self,
            recorder=self._recorder,
            patience=self._patience,
            first_options=self._first_options,
            opts=dataclasses.replace(self._opts),
            conn_options=conn_options,
            api_key=self._api_key,
            http_session=Pinging(self._http_session).as_session(),
            base_url=self._base_url,
        )
        self._streams.add(stream)
        return stream

    def hold(self) -> None:
        """Recognise nothing yet: another agent still listens."""
        self.listens = False

    def listen(self, since: float) -> None:
        """Recognise from now on, beginning with what was heard since that time (Unix seconds)."""
        self.listens = True
        for stream in self._streams:
            if isinstance(stream, RecordingStream):
                stream.listen(since)

    @property
    def hears_caller(self) -> bool:
        """Whether the recogniser is given what the local voice detection takes for the caller's voice."""
        return self.caller_speaks and not (self.echo is not None and self.echo.is_closed)

    async def open_socket(self) -> aiohttp.ClientWebSocketResponse:
        """Return a socket that asks for a session as calls do, for a look at the answer.

        Raises:
            aiohttp.ClientError, OSError: the socket could not be opened.
        """
        stream = self.stream()
        try:
            return await stream._connect_ws()
        finally:
            await stream.aclose()
            await self.farewells()

    @property
    def words_pending(self) -> bool:
        """Whether a stream has words that no final has confirmed yet, or speech that nobody has heard."""
        return any(isinstance(each, RecordingStream) and each.words_pending for each in self._streams)

    @property
    def revises_speakers(self) -> bool:
        """Whether a session's end may say otherwise who spoke."""
        return self._opts.speaker_labels is True

    def call_is_over(self) -> None:
        """Journal a gap for what was said and has not been heard yet; later words still come with the farewell."""
        for stream in self._streams:
            if isinstance(stream, RecordingStream):
                stream.call_is_over()
        self.deafness.lasts()

    def force_endpoint(self) -> None:
        """Have the turn that goes on finished now."""
        for stream in self._streams:
            stream.force_endpoint()

    def bid_farewell(self, task: asyncio.Task[None]) -> None:
        """Own `task`, which waits for a `Termination`, until it is done."""
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def farewells(self) -> None:
        """Wait until every ended stream has its `Termination`, or gave up on it."""
        while self._farewells:
            await asyncio.wait(set(self._farewells))

    async def aclose(self) -> None:
        """Wait for the farewells and close the HTTP session."""
        await self.farewells()
        await super().aclose()
        await self._http_session.close()
