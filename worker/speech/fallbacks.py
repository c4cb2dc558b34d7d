"""Other models for when the first one fails, tried in order within one answer.

The framework's adapters do it (livekit-agents 1.8.9, `llm/fallback_adapter.py`, `tts/fallback_adapter.py`); ours add
what they leave out: each failure is journaled with its own code, an instance that hangs is left in time, and all
instances are closed. Write-ahead stays around the whole, so that every text is journaled once, whoever speaks it.

A model that failed is asked the same again in the background until it answers; these requests cost, too.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, Literal, TypeVar

from livekit.agents import APIConnectOptions, APITimeoutError, llm, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from config import Settings
from worker.speech.catalogue import error_raised
from worker.speech.failures import code_of_report
from worker.speech.recorder import Recorder

Model = TypeVar("Model")

FALLBACK_SECONDS: Final = 4.0
"""How long one model may take for the first of its answer, before the next one is asked: two fit into the 10 s of
`agent.answer_deadline`."""


class FallbackLLM(llm.FallbackAdapter):
    """The first of several LLMs that answers."""

    def __init__(self, instances: Sequence[llm.LLM[Any]], recorder: Recorder) -> None:
        super().__init__(list(instances), attempt_timeout=FALLBACK_SECONDS)
        self._instances = instances
        for each in instances:
            each.on("error", _Journaled(recorder))

    async def aclose(self) -> None:
        """Close all instances."""
        await super().aclose()
        await asyncio.gather(*(each.aclose() for each in self._instances), return_exceptions=True)


class FallbackTTS(tts.FallbackAdapter):
    """The first of several TTSs that speaks."""

    def __init__(self, instances: Sequence[tts.TTS[Any]], recorder: Recorder) -> None:
        prompt = [each if each.capabilities.streaming else PromptTTS(each) for each in instances]
        super().__init__(list(prompt), max_retry_per_tts=0)
        self._instances = instances
        for each in prompt:
            each.on("error", _Journaled(recorder))

    async def aclose(self) -> None:
        """Close all instances."""
        await super().aclose()
        await asyncio.gather(*(each.aclose() for each in self._instances), return_exceptions=True)


class PromptTTS(tts.TTS[Any]):
    """A TTS of whole sentences whose first audio comes in time, or which counts as failed."""

    def __init__(self, wrapped: tts.TTS[Any]) -> None:
        super().__init__(
            capabilities=wrapped.capabilities, sample_rate=wrapped.sample_rate, num_channels=wrapped.num_channels
        )
        self._wrapped = wrapped
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
        """Return the audio of `text`."""
        return _PromptChunks(self, self._wrapped, text, conn_options)

    def prewarm(self) -> None:
        """Open the wrapped TTS's connection ahead of the first request."""
        self._wrapped.prewarm()

    def _forward_metrics(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)


class _PromptChunks(tts.ChunkedStream):
    # The wrapped stream's spans and metrics describe the request; these would count it twice.
    _tts_request_span_name: ClassVar[str] = "tts_in_time"
    _tts_attempt_span_name: ClassVar[str | None] = None

    def __init__(self, owner: PromptTTS, wrapped: tts.TTS[Any], text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._wrapped = wrapped

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._wrapped.sample_rate,
            num_channels=self._wrapped.num_channels,
            mime_type="audio/pcm",
        )
        once = dataclasses.replace(self._conn_options, max_retry=0)
        try:
            async with asyncio.timeout(FALLBACK_SECONDS) as until_first_audio:
                async with self._wrapped.synthesize(self._input_text, conn_options=once) as stream:
                    async for audio in stream:
                        until_first_audio.reschedule(None)
                        output_emitter.push_frame(audio.frame)
        except TimeoutError:
            raise APITimeoutError() from None

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass


class _Journaled:
    """Journals what failed of one instance; the call goes on with the next one."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __call__(self, report: llm.LLMError | tts.TTSError) -> None:
        self._recorder.append(dataclasses.replace(error_raised(code_of_report(report)), fatal=False))


def llm_with_fallbacks(
    build: Callable[[Settings], llm.LLM[Any]], settings: Settings, recorder: Recorder
) -> llm.LLM[Any]:
    """Return what `build` makes of the settings, with `llm.fallback_models` behind it."""
    return _with_fallbacks(settings, "llm", build, lambda instances: FallbackLLM(instances, recorder))


def tts_with_fallbacks(
    build: Callable[[Settings], tts.TTS[Any]], settings: Settings, recorder: Recorder
) -> tts.TTS[Any]:
    """Return what `build` makes of the settings, with `tts.fallback_models` behind it."""
    return _with_fallbacks(settings, "tts", build, lambda instances: FallbackTTS(instances, recorder))


def _with_fallbacks(
    settings: Settings,
    section: Literal["llm", "tts"],
    build: Callable[[Settings], Model],
    combine: Callable[[Sequence[Model]], Model],
) -> Model:
    models = getattr(settings, section).fallback_models
    if not models:
        return build(settings)
    return combine([build(settings), *(build(_settings_of(settings, section, model)) for model in models)])


def _settings_of(settings: Settings, section: Literal["llm", "tts"], model: str) -> Settings:
    """Return the settings with which a fallback is made as if it were the first."""
    own = getattr(settings, section)
    changes: dict[str, Any] = {"model": model, "plugin": None}
    if own.fallback_base_url is not None:
        changes |= {"provider": "openai", "base_url": own.fallback_base_url}
    if own.fallback_api_key is not None:
        changes["api_key"] = own.fallback_api_key
    if section == "tts" and own.fallback_voice is not None:
        changes["voice"] = own.fallback_voice
    return settings.model_copy(update={section: own.model_copy(update=changes)})
