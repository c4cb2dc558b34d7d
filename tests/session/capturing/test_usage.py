"""What models were used for is stored under names of our own."""

from typing import get_args

import pytest
from livekit.agents.metrics import ModelUsage
from livekit.agents.metrics.usage import LLMModelUsage, STTModelUsage, TTSModelUsage

from worker.session.capturing.usage import AMOUNTS, IDENTITY, usage_reported
from worker.transcript.events import UsageReported


@pytest.mark.parametrize("kind", get_args(ModelUsage))
def test_every_amount_that_the_framework_counts_has_a_name(kind: type[LLMModelUsage]) -> None:
    assert set(kind.model_fields) - set(IDENTITY) <= set(AMOUNTS)


def test_amounts_are_whole_numbers_in_the_unit_that_their_name_says() -> None:
    used = TTSModelUsage(provider="p", model="m", characters_count=12, audio_duration=6.320000000000001)
    assert usage_reported(used) == UsageReported(service="tts", model="m", amounts={"characters": 12, "audio_ms": 6320})


def test_what_was_not_used_is_not_named() -> None:
    assert usage_reported(STTModelUsage(provider="p", model="m")) == UsageReported(service="stt", model="m")
