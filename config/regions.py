"""Where AssemblyAI works: the addresses of its services by region.

Source: AssemblyAI, cloud endpoints and data residency; livekit-plugins-assemblyai for the speech synthesis. Only speech
recognition has an address that takes the nearest region; the others then are in the US.
"""

from typing import Final, Literal

Region = Literal["edge", "us", "eu"]

STREAMING: Final[dict[str, str]] = {
    "edge": "wss://streaming.assemblyai.com",
    "us": "wss://streaming.us.assemblyai.com",
    "eu": "wss://streaming.eu.assemblyai.com",
}
"""Speech to text."""

SYNTHESIS: Final[dict[str, str]] = {
    "edge": "wss://tts.us.assemblyai.com",
    "us": "wss://tts.us.assemblyai.com",
    "eu": "wss://tts.eu.assemblyai.com",
}
"""Text to speech."""

GATEWAY: Final[dict[str, str]] = {
    "edge": "https://llm-gateway.assemblyai.com/v1",
    "us": "https://llm-gateway.assemblyai.com/v1",
    "eu": "https://llm-gateway.eu.assemblyai.com/v1",
}
"""Language models."""

VENDOR: Final = "assemblyai.com"
"""The domain of all of them."""
