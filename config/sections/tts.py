"""The voice that speaks the answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer

from config.sections.base import Section
from config.values import ClassPath, HttpUrl, ModelNames, Name, Options, Secret, SpeechUrl, hide_secrets

ASSEMBLYAI_MODEL = "assemblyai-tts-1"
"""AssemblyAI streaming text to speech: model."""

ASSEMBLYAI_VOICE = "987db62e-a2c2-569a-9c4d-82460cdea1bd"
"""AssemblyAI streaming text to speech: the catalogue's id of the voice Keegan."""


class TtsSettings(Section):
    """The voice that speaks the answers: OpenAI's or a compatible API, AssemblyAI's, or a LiveKit plugin."""

    provider: Literal["openai", "assemblyai"] = "openai"
    """Who speaks: `openai`, OpenAI or a server with the same API at `tts.base_url`; `assemblyai`, AssemblyAI's
    streaming voices, under the AssemblyAI key, in the region of `stt.region` and the language of `agent.language`."""

    model: Name = "gpt-4o-mini-tts"
    """Model name; with AssemblyAI `assemblyai-tts-1` where none is set."""

    voice: Name = "ash"
    """Voice name; with AssemblyAI a voice's id in its catalogue, that of Keegan where none is set."""

    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    """Speaking rate, 0.25 to 4 times the voice's own. AssemblyAI's voices have only their own."""

    response_format: Literal["pcm", "wav", "mp3", "opus", "aac", "flac"] = "pcm"
    """Format in which the audio is asked for. `pcm` (16 bit, 24 kHz, mono) needs no decoding. AssemblyAI
    always sends it."""

    api_key: Secret | None = None
    """API key of the OpenAI-compatible service; not set, and with AssemblyAI: that of `stt.api_key`."""

    base_url: SpeechUrl = "https://api.openai.com/v1"
    """Where the OpenAI-compatible API is, version included; with AssemblyAI, another address than the region's."""

    fallback_models: ModelNames = ()
    """Models of an OpenAI-compatible API that are asked, in this order, when the first one fails or takes more than
    4 s; none: the caller is asked to say it again instead."""

    fallback_base_url: HttpUrl | None = None
    """Where the fallback models are, version included; not set: `tts.base_url`."""

    fallback_api_key: Secret | None = None
    """API key of the fallback models' service; not set: `tts.api_key`."""

    fallback_voice: Name | None = None
    """Voice of the fallback models; not set: `tts.voice`."""

    plugin: ClassPath | None = None
    """Another LiveKit plugin's TTS instead, `module:Class`, such as `livekit.plugins.cartesia:TTS`. Its keys
    are read from the variables that the plugin documents; these may stand in `.env` too."""

    options: Options = Field(default_factory=dict, repr=False)
    """Arguments for `tts.plugin` by name, a JSON object or a YAML mapping."""

    @field_serializer("options", when_used="json")
    def _hide(self, options: dict[str, Any]) -> Any:
        return hide_secrets(options)
