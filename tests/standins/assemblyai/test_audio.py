"""What arrives on the wire as 16 kHz PCM."""

import numpy as np
import pytest

from standins.assemblyai.audio import Ingest, loudness
from tests.standins.assemblyai.sound import silence, tone


def test_pcm_at_the_engines_rate_passes_as_it_is():
    assert Ingest("pcm_s16le", 16_000).decode(tone(50)) == tone(50)


@pytest.mark.parametrize(("encoding", "size"), [("pcm_s16le", 800), ("pcm_mulaw", 400)])
def test_telephone_audio_is_as_long_as_it_says(encoding: str, size: int):
    ingest = Ingest(encoding, 8000)
    assert ingest.duration_ms(bytes(size)) == 50
    assert len(ingest.decode(bytes(size))) == len(silence(50))


def test_mulaw_codes_are_those_of_the_standard():
    decoded = np.frombuffer(Ingest("pcm_mulaw", 16_000).decode(bytes([0xFF, 0x7F, 0x00, 0x80])), "<i2")
    assert decoded.tolist() == [0, 0, -32124, 32124]


def test_loudness_is_measured_frame_by_frame():
    quiet, loud = loudness(silence(10) + tone(10, loudness=1000), 10)
    assert quiet == 0
    assert loud == pytest.approx(707, rel=0.02)
