"""The STT, LLM, TTS and VAD that the settings ask for, wrapped so that they write ahead."""

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from livekit.agents import llm, tts, vad
from livekit.agents.types import NOT_GIVEN
from livekit.plugins import openai, silero

from config import Settings
from config.model_options import languages
from config.proxies import proxy_for
from config.turn_presets import PRESETS
from worker.errors import Misconfigured
from worker.loading import load_class
from worker.speech.assemblyai import RecordingSTT
from worker.speech.assemblyai.patience import Patience
from worker.speech.assemblyai_voice import AssemblyAIVoice
from worker.speech.context import ContextWindow
from worker.speech.fallbacks import llm_with_fallbacks, tts_with_fallbacks
from worker.speech.gateway import GatewayLLM
from worker.speech.llm import WriteAheadLLM
from worker.speech.recorder import Recorder
from worker.speech.tts import WriteAheadTTS

logger = logging.getLogger("verbatim.call")

SAMPLE_RATE: Final = 16_000
"""Hz of the audio for STT and VAD. The room's 48 kHz audio is resampled once, to what both take."""


VENDORS: Final = {
    "openai": ("openai.com", "OpenAI"),
    "assemblyai": ("assemblyai.com", "AssemblyAI"),
    "gateway": ("assemblyai.com", "AssemblyAI LLM Gateway"),
}
"""Domain and name of a vendor, by the provider of the settings."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The parts of one call's session."""

    stt: RecordingSTT
    llm: WriteAheadLLM
    tts: WriteAheadTTS

    async def aclose(self) -> None:
        """Close all three; a `Termination` that is still due is waited for."""
        results = await asyncio.gather(
            *(part.aclose() for part in (self.stt, self.llm, self.tts)), return_exceptions=True
        )
        for failure in filter(None, results):
            logger.warning("a part of the call's speech could not be closed: %s", type(failure).__name__)


def build_speech(settings: Settings, recorder: Recorder) -> Speech:
    """Return the parts for one call; call it on the job's event loop.

    Raises:
        Misconfigured: `llm.plugin` or `tts.plugin` cannot be loaded or made.
    """
    model = llm_with_fallbacks(build_llm, settings, recorder)
    window = ContextWindow(settings.llm.max_context_tokens, settings.llm.context_overflow, model)
    return Speech(
        stt=_build_stt(settings, recorder),
        llm=WriteAheadLLM(model, recorder, window),
        tts=WriteAheadTTS(tts_with_fallbacks(build_tts, settings, recorder), recorder),
    )


def load_vad(settings: Settings) -> vad.VAD:
    """Return the local voice activity detection; takes about 0.2 s, once a process."""
    return silero.VAD.load(
        min_speech_duration=settings.turns.vad_min_speech / 1000,
        min_silence_duration=settings.turns.vad_min_silence / 1000,
        # A threshold other than the STT's makes a dead zone in which barge-in comes late.
        activation_threshold=settings.stt.vad_threshold,
        deactivation_threshold=max(settings.stt.vad_threshold - 0.15, 0.01),
        sample_rate=SAMPLE_RATE,
    )


def build_llm(settings: Settings) -> llm.LLM[Any]:
    """Return the LLM without our wrapper.

    Raises:
        Misconfigured: `llm.plugin` cannot be loaded or made.
    """
    if settings.llm.plugin is not None:
        built = _build_plugin("llm", settings.llm.plugin, llm.LLM, settings.llm.options)
        assert isinstance(built, llm.LLM)
        return built
    if settings.llm.provider == "gateway":
        return GatewayLLM(
            model=settings.llm.model,
            temperature=settings.llm.temperature,
            api_key=_secret(settings.llm.api_key),
            base_url=settings.llm.base_url,
        )
    return openai.LLM(
        model=settings.llm.model,
        temperature=settings.llm.temperature,
        api_key=_secret(settings.llm.api_key),
        base_url=settings.llm.base_url,
    )


def build_tts(settings: Settings) -> tts.TTS[Any]:
    """Return the TTS without our wrapper.

    Raises:
        Misconfigured: `tts.plugin` cannot be loaded or made.
    """
    if settings.tts.plugin is not None:
        built = _build_plugin("tts", settings.tts.plugin, tts.TTS, settings.tts.options)
        assert isinstance(built, tts.TTS)
        return built
    if settings.tts.provider == "assemblyai":
        return AssemblyAIVoice(
            http_session=aiohttp.ClientSession(proxy=proxy_for(settings.tts.base_url)),
            model=settings.tts.model,
            voice=settings.tts.voice,
            language=settings.agent.language or NOT_GIVEN,
            api_key=_secret(settings.tts.api_key),
            base_url=settings.tts.base_url,
        )
    return openai.TTS(
        model=settings.tts.model,
        voice=settings.tts.voice,
        speed=settings.tts.speed,
        response_format=settings.tts.response_format,
        api_key=_secret(settings.tts.api_key),
        base_url=settings.tts.base_url,
    )


def stt_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments of `assemblyai.STT` for `settings`, both silence bounds always among them.

    Left unset, the plugin sends 100 ms for either bound to the Universal-3 models, so that every
    pause would end the turn.
    """
    stt, turns = settings.stt, settings.turns
    options: dict[str, Any] = {
        "model": stt.model,
        "api_key": _secret(stt.api_key),
        "base_url": stt.base_url,
        "sample_rate": SAMPLE_RATE,
        "encoding": stt.encoding,
        "min_turn_silence": turns.min_turn_silence,
        "max_turn_silence": turns.max_turn_silence,
        "vad_threshold": stt.vad_threshold,
    }
    if stt.family == "universal-streaming":
        # The plugin takes every end of turn for a final unless it is told which of the two counts.
        options["format_turns"] = stt.format_turns
        options["end_of_turn_confidence_threshold"] = stt.end_of_turn_confidence
        options["language_detection"] = stt.model != "universal-streaming-english"
        given = _given(settings)
    else:
        options["language_detection"] = True
        if PRESETS[stt.family][turns.preset].is_mode:
            options["mode"] = turns.preset
        if not stt.speaker_labels:  # with them AssemblyAI switches continuous partials off
            options["continuous_partials"] = stt.continuous_partials
        given = _given(settings) | {
            "language_codes": list(languages(settings)),
            "prompt": stt.prompt,
            "interruption_delay": stt.interruption_delay,
            "voice_focus": stt.voice_focus,
            "voice_focus_threshold": stt.voice_focus_threshold,
            "previous_context_n_turns": stt.previous_context_turns,
        }
    return options | {name: value for name, value in given.items() if value not in (None, [])}


def _given(settings: Settings) -> dict[str, Any]:
    """Return the options that every model has and that are only sent when they are set."""
    stt = settings.stt
    return {
        "keyterms_prompt": list(stt.keyterms),
        "domain": stt.domain,
        "speaker_labels": True if stt.speaker_labels else None,
        "max_speakers": stt.max_speakers,
    }


def provider_names(settings: Settings) -> dict[str, str]:
    """Return who listens, thinks and speaks, for the transcript: the endpoint where it is not the vendor's."""
    stt, llm_, tts_ = settings.stt, settings.llm, settings.tts
    thinks, speaks = VENDORS[llm_.provider], VENDORS[tts_.provider]
    return {
        "stt": _provider_name(stt.model, stt.base_url, *VENDORS["assemblyai"]),
        "llm": llm_.plugin or _provider_name(llm_.model, llm_.base_url, *thinks),
        "tts": tts_.plugin or _provider_name(tts_.model, tts_.base_url, *speaks),
    }


def _provider_name(model: str, base_url: str, vendor_domain: str, vendor: str) -> str:
    host = urlsplit(base_url).hostname or ""
    if host == vendor_domain or host.endswith("." + vendor_domain):
        return f"{vendor} {model}"
    return f"{model} at {urlsplit(base_url).netloc}, not {vendor}"


def _build_stt(settings: Settings, recorder: Recorder) -> RecordingSTT:
    # The framework's own session would go through the proxy of the LiveKit server, whatever the host.
    http_session = aiohttp.ClientSession(proxy=proxy_for(settings.stt.base_url))
    stt = settings.stt
    patience = Patience(replay_seconds=stt.replay_seconds, give_up_seconds=stt.outage_limit or math.inf)
    return RecordingSTT(recorder=recorder, http_session=http_session, patience=patience, **stt_options(settings))


def _build_plugin(section: str, path: str, base: type, options: dict[str, Any]) -> object:
    plugin = load_class(f"{section}.plugin", path, base)
    try:
        return plugin(**options)
    except Exception as error:
        # Options may hold keys, and a plugin may quote them.
        said = str(error)
        for value in options.values():
            said = said.replace(str(value), "…") if isinstance(value, str) and value else said
        raise Misconfigured(
            f"{section}.plugin {path} cannot be made from {section}.options "
            f"({type(error).__name__}: {said}); see the plugin's documentation."
        ) from None


def _secret(value: Any) -> str:
    return value.get_secret_value() if value is not None else ""
