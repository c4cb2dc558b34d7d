"""What the worker relies on in speech: of the stand-in always, of the service in `make test-live`."""

import pytest

from tests.contract import openai_probes as probes
from tests.contract.conftest import Side
from tests.contract.services import SpeechService


def test_speech_as_events_comes_in_pieces_and_says_when_it_is_done(speech: Side[SpeechService]) -> None:
    if not speech.service.has_events:
        pytest.skip(f"{speech.service.model} does not send events")
    spoken = speech.record(probes.PCM_EVENTS)
    assert (spoken.status, spoken.content_type, spoken.in_time) == (200, "text/event-stream", True)
    assert len(spoken.of_kind("speech.audio.delta")) > 1
    assert all(delta["audio"] == "text" for delta in spoken.forms("speech.audio.delta"))
    assert spoken.frames[-1].kind == "speech.audio.done"
    assert spoken.facts.get("audio_is_base64", True)
    assert spoken.facts["audio_ms"] > 1000


def test_pcm_comes_with_its_content_type_in_whole_samples(speech: Side[SpeechService]) -> None:
    spoken = speech.record(probes.PCM)
    assert (spoken.status, spoken.content_type) == (200, "audio/pcm")
    assert spoken.facts["audio_bytes"] % 2 == 0
    assert "first audio" in spoken.moments


def test_wav_says_that_it_is_24_khz_16_bit_mono(speech: Side[SpeechService]) -> None:
    spoken = speech.record(probes.WAV)
    assert (spoken.status, spoken.content_type) == (200, "audio/wav")
    assert (spoken.facts["sample_rate"], spoken.facts["bits"], spoken.facts["channels"]) == (24_000, 16, 1)


def test_pcm_takes_as_long_at_24_khz_as_the_same_sentence_in_wav(speech: Side[SpeechService]) -> None:
    pcm_ms, wav_ms = (speech.record(probe).facts["audio_ms"] for probe in (probes.PCM, probes.WAV))
    # A voice is never quite as fast twice; at 16 or 48 kHz it would be 0.67 or 2 times as long.
    assert 0.72 < pcm_ms / wav_ms < 1.4


def test_a_wrong_key_is_refused_with_a_sentence(speech: Side[SpeechService]) -> None:
    refused = speech.record(probes.REFUSED_SPEECH)
    assert refused.status == 401
    assert refused.forms("an error body")[0]["error"]["message"] == "text"
