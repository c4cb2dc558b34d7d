"""List prices in US dollars. They change: each has its date, and says where to look."""

from dataclasses import dataclass

ASSEMBLYAI = "assemblyai.com/pricing"
OPENAI = "openai.com/api/pricing"


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs.

    Attributes:
        source: Where and when it was a list price.
        session_hour: An hour of open streaming session; silence and waiting count.
        prompt_million: A million tokens, or a million characters where `by_characters`, sent.
        answer_million: A million tokens of answer.
        speech_minute: A minute of speech.
        by_characters: Whether text to be spoken is counted in characters, else in tokens.
    """

    source: str
    session_hour: float = 0
    prompt_million: float = 0
    answer_million: float = 0
    speech_minute: float = 0
    by_characters: bool = False


_UNIVERSAL_3 = Price(f"list price of October 2026, check {ASSEMBLYAI}", session_hour=0.45)
_UNIVERSAL_STREAMING = Price(f"list price of June 2025, check {ASSEMBLYAI}", session_hour=0.15)

PRICES: dict[str, Price] = {
    "universal-3-5-pro": _UNIVERSAL_3,
    "universal-3-6-pro": _UNIVERSAL_3,
    "u3-rt-pro": _UNIVERSAL_3,
    "u3-rt-pro-beta-1": _UNIVERSAL_3,
    "universal-streaming-english": _UNIVERSAL_STREAMING,
    "universal-streaming-multilingual": _UNIVERSAL_STREAMING,
    "gpt-4o-mini": Price(f"list price of July 2024, check {OPENAI}", prompt_million=0.15, answer_million=0.60),
    "gpt-4o-mini-tts": Price(f"list price of April 2026, check {OPENAI}", prompt_million=0.60, speech_minute=0.015),
    "tts-1": Price(f"list price of November 2023, check {OPENAI}", prompt_million=15, by_characters=True),
}
"""By model; of another model the cost is not known here."""
