"""What the worker relies on in streaming: of the stand-in always, of AssemblyAI in `make test-live`."""

from typing import Any

import pytest

from tests.contract import streaming_probes as probes
from tests.contract.conftest import Side
from tests.contract.probe import Probe
from tests.contract.recording import Recording
from tests.contract.services import UNIVERSAL_3, UNIVERSAL_STREAMING, StreamingService

pytestmark = pytest.mark.needs("speech")

TURN_FIELDS: dict[str, tuple[type, ...]] = {
    "turn_order": (int,),
    "end_of_turn": (bool,),
    "turn_is_formatted": (bool,),
    "transcript": (str,),
    "utterance": (str,),
    "end_of_turn_confidence": (int, float),
    "words": (dict,),
}
WORD_FIELDS = {"text": "text", "start": "number", "end": "number", "confidence": "number"}


@pytest.fixture(scope="module", params=probes.FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each way to end a turn."""
    name: str = request.param
    return name


@pytest.fixture
def sentence(streaming: Side[StreamingService], family: str) -> Recording:
    """A finished sentence."""
    return streaming.record(probes.SENTENCES[family])


@pytest.fixture
def unfinished(streaming: Side[StreamingService], family: str) -> Recording:
    """A sentence that breaks off."""
    return streaming.record(probes.UNFINISHED_SENTENCES[family])


@pytest.fixture
def forced(streaming: Side[StreamingService], family: str) -> Recording:
    """A turn that only ForceEndpoint ends."""
    return streaming.record(probes.FORCED[family])


def finals(recording: Recording) -> list[Any]:
    """The turns that have ended."""
    return [turn for turn in recording.forms("Turn") if turn["end_of_turn"]]


def test_a_session_begins_with_its_id_and_when_it_expires(sentence: Recording) -> None:
    first = sentence.frames[0]
    assert first.kind == "Begin"
    assert first.form["id"] == "text"
    assert first.form["expires_at"] == "number"


def test_a_turn_has_the_fields_that_are_read_from_it(sentence: Recording, unfinished: Recording) -> None:
    for turn in sentence.forms("Turn") + unfinished.forms("Turn"):
        for name, kind in TURN_FIELDS.items():
            assert isinstance(turn.get(name), kind), f"{name} is {turn.get(name)!r}"
        for word in turn["words"]["each"]:
            assert WORD_FIELDS.items() <= word.items()
            assert isinstance(word["word_is_final"], bool)


def test_speech_is_announced_once_and_before_its_words(sentence: Recording, family: str) -> None:
    kinds = [frame.kind for frame in sentence.frames]
    if "SpeechStarted" not in kinds and family == UNIVERSAL_STREAMING:
        pytest.skip("the documentation promises SpeechStarted for the Universal-3 family alone")
    assert kinds.index("SpeechStarted") < kinds.index("Turn")
    assert isinstance(sentence.forms("SpeechStarted")[0]["timestamp"], int | float)


def test_a_sentence_is_a_turn_whose_number_stays(sentence: Recording) -> None:
    assert {turn["turn_order"] for turn in sentence.forms("Turn")} == {0}


def test_a_final_has_text_and_only_final_words(sentence: Recording, unfinished: Recording) -> None:
    for final in finals(sentence) + finals(unfinished):
        assert final["transcript"] == "text"
        assert final["words"]["count"] > 0
        assert all(word["word_is_final"] for word in final["words"]["each"])


def test_the_turn_ends_in_the_way_of_its_family(sentence: Recording, unfinished: Recording, family: str) -> None:
    formatted = [True] if family == UNIVERSAL_3 else [False, True]
    for recording in (sentence, unfinished):
        assert [final["turn_is_formatted"] for final in finals(recording)] == formatted


def test_an_utterance_comes_when_its_family_has_one(sentence: Recording, family: str) -> None:
    if family == UNIVERSAL_3:
        with_utterance = [turn for turn in sentence.forms("Turn") if turn["utterance"] == "text"]
        assert with_utterance == finals(sentence)
    else:
        assert any(turn["utterance"] == "text" for turn in sentence.forms("Turn") if not turn["turn_is_formatted"]), (
            "no turn carried the early sign"
        )


def test_terminate_is_answered_with_the_durations_and_a_normal_close(sentence: Recording) -> None:
    assert sentence.in_time
    last = sentence.frames[-1]
    assert last.kind == "Termination"
    assert isinstance(last.form["audio_duration_seconds"], int | float)
    assert isinstance(last.form["session_duration_seconds"], int | float)
    assert sentence.close_code == 1000


def test_force_endpoint_ends_a_turn_that_longer_silences_hold_open(forced: Recording) -> None:
    ended = [frame.at_ms for frame in forced.of_kind("Turn") if frame.form["end_of_turn"]]
    assert ended, "no turn ended"
    assert forced.moments["ForceEndpoint"] <= ended[0] <= forced.moments["Terminate"]
    assert forced.close_code == 1000


def test_silence_makes_no_turn(streaming: Side[StreamingService]) -> None:
    recording = streaming.record(probes.NOTHING_SAID)
    assert [frame.kind for frame in recording.frames] == ["Begin", "Termination"]


@pytest.mark.parametrize("probe", [probes.WITHOUT_KEY, probes.REFUSED_KEY], ids=lambda probe: probe.name)
def test_nobody_gets_in_without_a_key(streaming: Side[StreamingService], probe: probes.StreamingProbe) -> None:
    recording = streaming.record(probe)
    assert not recording.of_kind("Begin")
    assert recording.status == 401 or recording.close_code == 1008


@pytest.mark.parametrize(
    ("probe", "code"),
    [
        (probes.SHORT_CHUNKS, 3007),
        (probes.LONG_CHUNKS, 3007),
        (probes.NO_JSON, 3006),
        (probes.UNKNOWN_MESSAGE, 3006),
    ],
    ids=lambda value: value.name if isinstance(value, Probe) else str(value),
)
def test_what_makes_no_sense_ends_the_session_with_its_code_and_an_error_before(
    streaming: Side[StreamingService], probe: probes.StreamingProbe, code: int
) -> None:
    recording = streaming.record(probe)
    assert recording.close_code == code
    error = recording.frames[-1]
    assert (error.kind, error.form["error_code"], error.form["error"]) == ("Error", code, "text")
