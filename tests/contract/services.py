"""The services under test: where they are, and how they are spoken to. A stand-in and a vendor look alike."""

from dataclasses import dataclass, field

from tests.parts.standins import Standin

UNIVERSAL_3, UNIVERSAL_STREAMING = "universal-3", "universal-streaming"

MODELS = {UNIVERSAL_3: "universal-3-5-pro", UNIVERSAL_STREAMING: "universal-streaming-english"}
"""The streaming model of each family that is tried where the settings name none of that family."""


@dataclass(frozen=True, slots=True)
class StreamingService:
    """Speech to text.

    Attributes:
        name: For sentences.
        url: `ws://` or `wss://`, without a path.
        key: Sent as it is.
        models: The model of each family.
        proxy: HTTP proxy on the way there.
        real_time: Whether audio goes out no faster than it was spoken; a vendor closes the session otherwise.
    """

    name: str
    url: str
    key: str = field(repr=False)
    models: dict[str, str]
    proxy: str | None = None
    real_time: bool = True


@dataclass(frozen=True, slots=True)
class ChatService:
    """Chat completions; `url` has the version, `http://…/v1`."""

    name: str
    url: str
    key: str = field(repr=False)
    model: str
    temperature: float = 0.7
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechService:
    """Text to speech; `url` has the version, `http://…/v1`."""

    name: str
    url: str
    key: str = field(repr=False)
    model: str
    voice: str = "ash"
    speed: float = 1.0
    proxy: str | None = None

    @property
    def has_events(self) -> bool:
        """Whether it can send speech as events (OpenAI API reference, "Create speech", `stream_format`)."""
        return not self.model.startswith("tts-1")


def streaming_standin(standin: Standin, *, real_time: bool = False) -> StreamingService:
    """The stand-in of AssemblyAI; it takes audio as fast as it comes unless `real_time` is asked for."""
    return StreamingService("the stand-in", standin.websocket_url, "offline", MODELS, real_time=real_time)


def chat_standin(standin: Standin) -> ChatService:
    """The stand-in of OpenAI's chat."""
    return ChatService("the stand-in", f"{standin.url}/v1", "offline", "gpt-4o-mini")


def speech_standin(standin: Standin) -> SpeechService:
    """The stand-in of OpenAI's speech."""
    return SpeechService("the stand-in", f"{standin.url}/v1", "offline", "gpt-4o-mini-tts")
