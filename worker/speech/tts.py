"""A TTS that speaks a piece only once the piece is on disk."""

import asyncio
import dataclasses
from typing import Any, ClassVar, Final

from livekit.agents import APIConnectOptions, APITimeoutError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, USERDATA_TIMED_TRANSCRIPT

from worker.speech.recorder import Recorder
from worker.transcript.events import AgentSentence

STALL_SECONDS: Final = 5.0
"""How long a voice may fall silent in the middle of a text: OpenAI's plugin would wait for 30 s."""


class Stalled(APITimeoutError):
    """The voice began a text and did not go on."""

    code = "tts.stalled"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the voice fell silent for {seconds:.0f} s in the middle of a text", retryable=False)


class WriteAheadTTS(tts.TTS[Any]):
    """Wraps any TTS, streaming or not: each piece of text is accepted before it is handed on."""

    def __init__(self, wrapped: tts.TTS[Any], recorder: Recorder) -> None:
        super().__init__(
            capabilities=wrapped.capabilities,
            sample_rate=wrapped.sample_rate,
            num_channels=wrapped.num_channels,
        )
        self._wrapped = wrapped
        self._recorder = recorder
        wrapped.on("metrics_collected", self._forward_metrics)

    @property
    def model(self) -> str:
        """The wrapped TTS's model."""
        return self._wrapped.model

    @property
    def provider(self) -> str:
        """The wrapped TTS's provider."""
        return self._wrapped.provider

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Return the audio of `text`, which is asked for once `text` is accepted."""
        return _AcceptedChunks(self, self._wrapped, self._recorder, text, conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        """Return a stream that hands each pushed text on once it is accepted."""
        return _AcceptedStream(self, self._wrapped, self._recorder, conn_options)

    async def accept(self, text: str, *, continues: bool = False) -> None:
        """Wait until `text`, a piece of the current speech, is accepted; `continues` as in `AgentSentence`."""
        await self._recorder.append(AgentSentence(speech=self._recorder.speech, text=text, continues=continues))

    def prewarm(self) -> None:
        """Open the wrapped TTS's connection ahead of the first request."""
        self._wrapped.prewarm()

    async def aclose(self) -> None:
        """Close the wrapped TTS."""
        self._wrapped.off("metrics_collected", self._forward_metrics)
        await self._wrapped.aclose()

    def _forward_metrics(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)


def _hand_on(audio: tts.SynthesizedAudio, output_emitter: tts.AudioEmitter) -> None:
    if timed := audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT):
        output_emitter.push_timed_transcript(timed)
    output_emitter.push_frame(audio.frame)


class _AcceptedChunks(tts.ChunkedStream):
    # The wrapped stream's spans and metrics describe the request; these would count it twice.
    _tts_request_span_name: ClassVar[str] = "tts_write_ahead"
    _tts_attempt_span_name: ClassVar[str | None] = None

    def __init__(
        self,
        owner: WriteAheadTTS,
        wrapped: tts.TTS[Any],
        recorder: Recorder,
        text: str,
        conn_options: APIConnectOptions,
    ) -> None:
        # The wrapped stream retries as `conn_options` says; a second ladder around it would multiply.
        super().__init__(tts=owner, input_text=text, conn_options=dataclasses.replace(conn_options, max_retry=0))
        self._owner = owner
        self._wrapped = wrapped
        self._wrapped_conn_options = conn_options

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        await self._owner.accept(self._input_text)
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._owner.sample_rate,
            num_channels=self._owner.num_channels,
            mime_type="audio/pcm",
        )
        try:
            async with asyncio.timeout(None) as until_next:
                async with self._wrapped.synthesize(
                    self._input_text, conn_options=self._wrapped_conn_options
                ) as stream:
                    async for audio in stream:
                        _hand_on(audio, output_emitter)
                        until_next.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
        except TimeoutError:
            raise Stalled(STALL_SECONDS) from None

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass


class _AcceptedStream(tts.SynthesizeStream):
    _tts_request_span_name: ClassVar[str] = "tts_write_ahead"
    _tts_attempt_span_name: ClassVar[str | None] = None

    def __init__(
        self,
        owner: WriteAheadTTS,
        wrapped: tts.TTS[Any],
        recorder: Recorder,
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(tts=owner, conn_options=dataclasses.replace(conn_options, max_retry=0))
        self._owner = owner
        self._wrapped = wrapped
        self._wrapped_conn_options = conn_options

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._owner.sample_rate,
            num_channels=self._owner.num_channels,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id=utils.shortuuid())
        async with self._wrapped.stream(conn_options=self._wrapped_conn_options) as stream:
            input_task = asyncio.create_task(self._forward_input(stream))
            try:
                async for audio in stream:
                    _hand_on(audio, output_emitter)
                await input_task
            finally:
                await utils.aio.cancel_and_wait(input_task)

    async def _forward_input(self, stream: tts.SynthesizeStream) -> None:
        continues = False  # an LLM's tokens are pieces of words
        try:
            async for piece in self._input_ch:
                if isinstance(piece, str):
                    self._mark_started()
                    await self._owner.accept(piece, continues=continues)
                    stream.push_text(piece)
                    continues = True
                else:
                    stream.flush()
        finally:
            stream.end_input()

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass
