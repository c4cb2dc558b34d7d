"""The audio that is kept: nothing that may be a word is left out, nothing that is final is sent twice."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from worker.speech.assemblyai.backlog import LEAD_CHUNKS, Backlog, Chunk, Span

RATE = 16_000
LONGEST_SILENCE = 0.5
KEPT_QUIET = 10 + LEAD_CHUNKS
"""Chunks of a silence that are never left out: `LONGEST_SILENCE`, and what is around words."""


def chunk(peak: int) -> bytes:
    return array("h", [peak] * (RATE // 20)).tobytes()


def new(replay_seconds: float = 10.0) -> Backlog:
    return Backlog(sample_rate=RATE, replay_seconds=replay_seconds, longest_silence=LONGEST_SILENCE)


def hear(backlog: Backlog, *peaks: int, since: float = 0.0) -> list[Span]:
    return [span for at, peak in enumerate(peaks) for span in backlog.hear(chunk(peak), since + at / 20)]


def peaks(chunks: list[Chunk]) -> list[int]:
    return [array("h", each.data)[0] for each in chunks]


def taken(backlog: Backlog) -> list[Chunk]:
    chunks = []
    while (each := backlog.take()) is not None:
        chunks.append(each)
    return chunks


@given(st.binary(max_size=4000), st.lists(st.integers(1, 999), max_size=8))
def test_frames_of_any_length_become_whole_chunks_of_the_same_audio(audio: bytes, cuts: list[int]) -> None:
    audio = audio[: len(audio) // 2 * 2]
    backlog, at = new(), 0
    for size in cuts:
        backlog.hear(audio[at : at + 2 * size], at / 2 / RATE)
        at = min(len(audio), at + 2 * size)
    backlog.hear(audio[at:], at / 2 / RATE)
    backlog.fill_up()
    chunks = taken(backlog)
    assert b"".join(each.data for each in chunks)[: len(audio)] == audio
    assert all(len(each.data) == 1600 for each in chunks)
    assert all(abs(each.heard_at - at / 20) < 0.001 for at, each in enumerate(chunks))


def test_the_next_session_hears_what_is_not_final() -> None:
    backlog = new()
    hear(backlog, 1001, 1002, 0, 0, 1003, 1004)
    taken(backlog)
    backlog.confirm(0.1)
    backlog.rewind()
    assert peaks(taken(backlog)) == [0, 0, 1003, 1004]


def test_the_last_sound_of_a_word_that_is_final_is_not_heard_again() -> None:
    backlog = new()
    hear(backlog, 1001, 1001, 1001, 0, 0, 1002)
    taken(backlog)
    backlog.confirm(0.1)
    backlog.rewind()
    assert peaks(taken(backlog)) == [0, 0, 1002]


def test_speech_that_follows_a_final_without_a_pause_is_kept() -> None:
    backlog = new()
    hear(backlog, *range(1001, 1021))
    taken(backlog)
    backlog.confirm(0.5)
    backlog.rewind()
    assert peaks(taken(backlog)) == list(range(1011, 1021))


def test_what_was_never_sent_cannot_be_final() -> None:
    backlog = new()
    hear(backlog, 1001, 1002, 1003)
    backlog.take()
    backlog.confirm(99.0)
    assert peaks(taken(backlog)) == [1002, 1003]


def test_without_a_session_the_newest_audio_is_kept_and_what_is_lost_is_told() -> None:
    backlog = new(replay_seconds=0.2)
    lost = hear(backlog, 1001, 1002, 0, 1003, 1004, 1005)
    assert lost == [Span(0.0, 0.05), Span(0.05, 0.1)]
    assert peaks(taken(backlog)) == [0, 1003, 1004, 1005]


def test_a_turn_that_was_begun_is_kept_whole_through_an_outage() -> None:
    backlog = new(replay_seconds=0.1)
    backlog.attend()
    hear(backlog, *range(1001, 1011))
    taken(backlog)
    backlog.rewind()
    (lost,) = hear(backlog, 1011, 1012, 1013, since=0.5)
    assert lost.began == 0.5
    assert peaks(taken(backlog)) == [*range(1001, 1011), 1012, 1013]


def test_while_a_session_hears_nothing_is_too_much() -> None:
    backlog = new(replay_seconds=0.1)
    backlog.attend()
    assert hear(backlog, *[1000] * 50) == []
    assert len(taken(backlog)) == 50


def test_silence_is_cut_short_to_catch_up_and_speech_is_not() -> None:
    backlog = new()
    hear(backlog, 1001, *[0] * 60, 1002, *[1003] * 60)
    caught_up = taken(backlog)
    assert peaks(caught_up) == [1001, *[0] * (KEPT_QUIET + LEAD_CHUNKS), 1002, *[1003] * 60]
    assert caught_up[-61].heard_at == 61 / 20


def test_a_voice_on_a_quiet_line_is_speech_where_the_voice_detection_hears_one() -> None:
    backlog = new()
    hear(backlog, 1001, *[0] * 60)
    for at in range(40):
        backlog.hear(chunk(100 + at), (61 + at) / 20, voice=True)
    assert backlog.unheard_speech() == Span(0.0, 101 / 20)
    assert peaks(taken(backlog))[-40:] == [100 + at for at in range(40)]
    assert not backlog.is_quiet


def test_a_pause_that_may_be_within_a_sentence_is_never_cut() -> None:
    backlog = new()
    hear(backlog, 1001, *[0] * (KEPT_QUIET + LEAD_CHUNKS), *[1002] * 20)
    assert len(taken(backlog)) == 1 + KEPT_QUIET + LEAD_CHUNKS + 20


def test_silence_that_is_heard_as_it_comes_is_sent_whole() -> None:
    backlog = new()
    sent = 0
    for at in range(100):
        hear(backlog, 0, since=at / 20)
        sent += len(taken(backlog))
    assert sent == 100


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1000]), max_size=60))
def test_every_sound_is_sent_once_and_in_order(sounds: list[int]) -> None:
    numbered = [1000 + at if sound else 0 for at, sound in enumerate(sounds)]
    backlog = new()
    hear(backlog, *numbered)
    assert [each for each in peaks(taken(backlog)) if each] == [each for each in numbered if each]


def test_speech_that_nobody_has_heard_is_told_and_silence_is_not() -> None:
    backlog = new()
    assert backlog.unheard_speech() is None
    hear(backlog, 0, 1001, 0, 1002, 0)
    assert backlog.unheard_speech() == Span(0.05, 0.2)
    taken(backlog)
    assert backlog.unheard_speech() is None
