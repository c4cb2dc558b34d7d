"""Stretches of speech, cut out of voiced and silent frames."""

from standins.assemblyai.gate import Closed, Gate, Going, Opened

FRAME_MS = 10


def push_all(gate: Gate, pattern: str) -> list[object]:
    """Pushes a frame per character, `#` voiced; the events that are not None."""
    events = (gate.push(bytes([number % 256]), voiced=mark == "#") for number, mark in enumerate(pattern))
    return [event for event in events if event is not None]


def gate(pause_ms: int = 50) -> Gate:
    return Gate(frame_ms=FRAME_MS, pause_ms=pause_ms, preroll_ms=100)


def test_a_click_is_not_speech():
    assert push_all(gate(), "....###.....##.....") == []


def test_speech_begins_at_its_first_voiced_frame_and_brings_the_audio_before_it():
    (opened,) = push_all(gate(), "............####")
    assert opened == Opened(onset_ms=120, audio=bytes(range(6, 16)), audio_start_ms=60)


def test_silence_is_counted_from_the_last_voiced_frame():
    events = push_all(gate(), "####..#.....")
    assert events[-1] == Closed(bytes([11]), last_voice_ms=70)
    assert all(isinstance(event, Going) for event in events[1:-1])


def test_a_dropout_within_the_opening_does_not_hide_the_last_voiced_frame():
    instance = gate()
    push_all(instance, "###.##.")
    assert instance.is_open
    assert instance.last_voice_ms == 60


def test_a_shorter_pause_stays_inside_the_stretch():
    events = push_all(gate(), "####....####.....")
    assert [type(event) for event in events if not isinstance(event, Going)] == [Opened, Closed]


def test_a_stretch_that_was_closed_by_force_needs_a_new_beginning():
    instance = gate()
    push_all(instance, "######")
    instance.close()
    assert push_all(instance, "###") == []
    assert isinstance(push_all(instance, "#")[0], Opened)
