"""What a model was used for, in names of our own: an SDK release must not change what is stored."""

from collections.abc import Callable

from livekit.agents.metrics import ModelUsage

from worker.transcript.events import UsageReported

Amount = Callable[[float], int]

AMOUNTS: dict[str, tuple[str, Amount]] = {
    **{
        name: (name, round)
        for name in (
            "input_tokens",
            "input_cached_tokens",
            "input_cache_creation_tokens",
            "input_audio_tokens",
            "input_cached_audio_tokens",
            "input_text_tokens",
            "input_cached_text_tokens",
            "input_image_tokens",
            "input_cached_image_tokens",
            "output_tokens",
            "output_audio_tokens",
            "output_text_tokens",
            "output_reasoning_tokens",
        )
    },
    "characters_count": ("characters", round),
    "audio_duration": ("audio_ms", lambda seconds: round(1000 * seconds)),
    "session_duration": ("session_ms", lambda seconds: round(1000 * seconds)),
    "total_requests": ("requests", round),
}
"""Our name and unit of each of the framework's amounts (livekit-agents 1.8.9, `metrics/usage.py`)."""


def usage_reported(usage: ModelUsage) -> UsageReported:
    """Return the event that tells what a model was used for so far."""
    counted = usage.model_dump(exclude=set(IDENTITY), exclude_defaults=True)
    amounts = {AMOUNTS[name][0]: AMOUNTS[name][1](amount) for name, amount in counted.items() if name in AMOUNTS}
    return UsageReported(service=usage.type.removesuffix("_usage"), model=usage.model, amounts=amounts)


IDENTITY = ("type", "provider", "model")
"""What names a model, and counts nothing."""
