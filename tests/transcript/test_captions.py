"""Captions hold every word once, at its time, in lines that fit and break where a reader would break them."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes, width

from tests.transcript.calls import CALLS, transcript_of
from tests.transcript.journals import told
from worker.transcript.events import AgentSaid, Gap, PartEnded, ParticipantJoined, UserFinal, Word
from worker.transcript.model import Transcript, Turn
from worker.transcript.render import FORMATS, formats, srt, vtt
from worker.transcript.render.captions import SHORTEST_MS, Caption, captions_of, in_order
from worker.transcript.render.line_breaking import clipped, pieces
from worker.transcript.render.pacing import Pace
from worker.transcript.render.wording import one_line

LETTERS = "abcdef ,.!"
SCRIPTS = [
    *"你好世界、。「」ーっ",
    *"한국어",
    *"สวัส",
    "e\u0301",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "👍🏽",
    "مرحبا",
    "नमस्ते",
    "—",
    "\u200b",
]
anything = st.text(
    alphabet=st.one_of(
        st.sampled_from(LETTERS), st.characters(exclude_categories=["Cs"]), st.sampled_from("\n\u2028<>&-{")
    ),
    max_size=60,
) | st.lists(st.sampled_from([*SCRIPTS, *LETTERS]), max_size=60).map("".join)


def said(text: str, started_ms: int | None = None, ended_ms: int | None = None, **more: Any) -> UserFinal:
    fields = {"participant": "caller"} | more
    return UserFinal(text=text, started_ms=started_ms, ended_ms=ended_ms, **fields)


def call(*events: Any) -> Transcript:
    return told(
        (1, ParticipantJoined(identity="caller", name="Alice")), *events, (600_000, PartEnded(reason="goodbye"))
    )


def captions(transcript: Transcript, line_length: int = 32, named: bool = False) -> list[Caption]:
    return in_order(captions_of(transcript, line_length, named))


def lines(text: str, line_length: int = 32) -> list[str]:
    return [line for each in captions(call((2, said(text))), line_length) for line in each.lines]


def letters(text: str) -> str:
    return "".join(text.split())


@given(text=anything, line_length=st.integers(12, 60), named=st.booleans())
def test_every_letter_is_there_once_and_every_line_fits(text: str, line_length: int, named: bool) -> None:
    found = captions(call((2, said(text, 1000, 9000))), line_length, named)
    shown = " ".join(line for caption in found for line in caption.lines)
    assert letters(shown) == letters(f"Alice: {one_line(text)}" if named and found else one_line(text))
    for caption in found:
        assert 1 <= len(caption.lines) <= 2
        for line in caption.lines:
            assert line == line.strip() != ""
            assert width(line) <= line_length or len(list(iter_graphemes(line))) == 1


@given(text=anything, line_length=st.integers(12, 40))
def test_what_a_reader_sees_as_one_character_is_never_taken_apart(text: str, line_length: int) -> None:
    whole = [cluster for word in one_line(text).split() for cluster in iter_graphemes(word)]
    shown = [cluster for line in lines(text, line_length) for word in line.split() for cluster in iter_graphemes(word)]
    assert shown == whole


def test_lines_break_between_words() -> None:
    assert lines("I would like two large pizzas and a bottle of water") == [
        "I would like two large pizzas",
        "and a bottle of water",
    ]


def test_a_word_longer_than_a_line_is_broken_within() -> None:
    assert lines("x" * 30, 12) == ["x" * 12, "x" * 12, "x" * 6]


def test_chinese_characters_take_two_columns_and_break_anywhere() -> None:
    assert lines("我想预订一张两个人的桌子", 12) == ["我想预订一张", "两个人的桌子"]


def test_no_line_begins_with_closing_or_ends_with_opening_punctuation() -> None:
    assert lines("我想预订一张。两个人的桌子", 12) == ["我想预订一", "张。两个人的", "桌子"]
    assert lines("我想预订一「两个人」桌子", 12) == ["我想预订一", "「两个人」桌", "子"]
    assert lines("コーヒーをくださって", 12) == ["コーヒーをく", "ださって"]


def test_korean_breaks_at_its_spaces() -> None:
    assert lines("내일 저녁에 두 명이", 13) == ["내일 저녁에", "두 명이"]


def test_a_name_takes_half_a_line_at_most() -> None:
    assert clipped("Alice", 16) == "Alice"
    assert clipped("Dr. Alexandra von Humboldt", 16) == "Dr. Alexandra v…"
    assert clipped("你好世界", 5) == "你好…"


def test_times_come_from_the_words() -> None:
    words = (Word("Two", 2000, 2200), Word("large", 2300, 2600), Word("pizzas.", 2700, 3500))
    (only,) = captions(call((4000, said("Two large pizzas.", words=words))))
    assert (only.started_ms, only.ended_ms) == (2000, 3500)


def test_each_caption_has_the_times_of_its_own_words() -> None:
    spoken = [f"word{number}" for number in range(20)]
    words = tuple(Word(word, 1000 * place, 1000 * place + 700) for place, word in enumerate(spoken))
    found = captions(call((20_000, said(" ".join(spoken), words=words))), 20)
    assert [(caption.started_ms, caption.ended_ms, caption.lines[0]) for caption in found][:2] == [
        (0, 5700, "word0 word1 word2"),
        (6000, 11_700, "word6 word7 word8"),
    ]


def test_words_that_are_written_otherwise_than_the_text_share_its_time() -> None:
    words = (Word("five", 1000, 1500), Word("dollars", 1600, 2600))
    (only,) = captions(call((3000, said("$5", words=words))))
    assert (only.started_ms, only.ended_ms) == (1000, 2600)


def test_without_words_the_time_is_shared_out_by_length() -> None:
    found = captions(call((9000, said("aaaa " * 16, 1000, 9000))), 20)
    assert [(caption.started_ms, caption.ended_ms) for caption in found] == [(1000, 5000), (5000, 9000)]


def test_a_silence_within_a_turn_ends_a_caption() -> None:
    words = (Word("Wait,", 1000, 1400), Word("yes,", 5000, 5300), Word("please.", 5400, 5900))
    found = captions(call((6000, said("Wait, yes, please.", words=words))))
    assert [(caption.started_ms, caption.lines) for caption in found] == [(1000, ("Wait,",)), (5000, ("yes, please.",))]


def test_a_short_caption_stays_long_enough_but_not_into_the_next() -> None:
    found = captions(
        call((100, said("Hi.", 100, 200)), (700, said("Yes?", 600, 650)), (9000, said("Well.", 8000, 8100)))
    )
    assert [(caption.started_ms, caption.ended_ms) for caption in found] == [
        (100, 600),
        (600, 600 + SHORTEST_MS),
        (8000, 8000 + SHORTEST_MS),
    ]


def test_two_voices_may_overlap_as_they_did() -> None:
    greeting = AgentSaid(text="Hello there.", started_ms=100, ended_ms=3000)
    found = captions(call((3000, greeting), (2500, said("Stop.", 2000, 2400))))
    assert [(caption.voice, caption.started_ms, caption.ended_ms) for caption in found] == [
        ("verbatim", 100, 3000),
        ("Alice", 2000, 3000),
    ]


raw_captions = st.lists(
    st.builds(
        lambda start, length, voice, typed: Caption(start, start + length, voice, ("x",), typed),
        st.integers(0, 50),
        st.integers(-5, 2000),
        st.sampled_from("AB"),
        st.booleans(),
    )
)


@given(found=raw_captions)
def test_captions_never_run_backwards_and_never_cover_another_of_their_voice(found: list[Caption]) -> None:
    ordered = in_order(found)
    assert len(ordered) == len(found)
    assert [caption.started_ms for caption in ordered] == sorted(caption.started_ms for caption in ordered)
    assert all(caption.ended_ms > caption.started_ms for caption in ordered)
    for track in {(caption.voice, caption.is_typed) for caption in ordered}:
        own = [caption for caption in ordered if (caption.voice, caption.is_typed) == track]
        assert all(before.ended_ms <= after.started_ms for before, after in pairwise(own))
    assert in_order(ordered) == ordered


@given(
    words=st.lists(st.tuples(st.text(max_size=5), st.integers(0, 9000) | st.none(), st.integers(0, 9000) | st.none())),
    text=st.text(max_size=40),
)
def test_whatever_the_times_of_the_words_a_turn_never_runs_backwards(words: list[Any], text: str) -> None:
    turn = Turn(
        index=0, role="user", text=text, started_ms=1000, ended_ms=8000, words=tuple(Word(*word) for word in words)
    )
    pace = Pace(turn)
    count = sum(letter.isalnum() for letter in text)
    times = [time for place in range(count + 1) for time in (pace.end(place), pace.start(place))]
    assert times == sorted(times)
    assert all(1000 <= time <= 8000 for time in times)


def test_what_was_not_played_is_in_no_caption() -> None:
    transcript = transcript_of(CALLS["barge-in"]())
    for name in ("srt", "vtt"):
        assert "mushrooms" not in FORMATS[name](transcript)
        assert "tuna,—" in FORMATS[name](transcript)


def test_tools_and_keys_are_no_captions() -> None:
    for name, word in (("tool-calls", "book("), ("keys-pressed", "pressed")):
        assert word not in vtt.render(transcript_of(CALLS[name]()))


def test_typed_words_are_marked() -> None:
    typed = said("my mail", source="chat")
    assert "(typed) my mail" in vtt.render(call((100, typed)))
    assert "Alice: (typed) my mail" in srt.render(call((100, typed)))


def test_a_turn_begins_with_its_speaker_in_srt() -> None:
    rendered = srt.render(call((2, said("one " * 30, 100, 9000))))
    assert rendered.count("Alice: ") == 1
    assert rendered.startswith("1\n00:00:00,100 --> ")


def test_every_caption_names_its_voice_in_vtt() -> None:
    rendered = vtt.render(call((2, said("one " * 30, 100, 9000))))
    assert rendered.count("<v Alice>") == rendered.count(" --> ") > 1


def test_a_gap_is_a_note_in_vtt_and_a_caption_in_srt() -> None:
    transcript = call((9000, Gap(from_ms=4000, to_ms=9000, reason="the recogniser was away")))
    assert "NOTE Gap, 00:04 to 00:09: the recogniser was away\n" in vtt.render(transcript)
    assert srt.render(transcript) == "1\n00:00:04,000 --> 00:00:07,000\n[words may\nbe missing]\n\n"


def test_the_length_of_a_line_can_be_chosen() -> None:
    transcript = call((2, said("one two three four five six", 100, 9000)))
    chosen = formats(["vtt", "json"], caption_line_length=13)
    assert list(chosen) == ["vtt", "json"]
    assert "<v Alice>one two three\nfour five six" in chosen["vtt"](transcript)
    assert chosen["json"](transcript) == FORMATS["json"](transcript)


def test_a_call_of_ten_hours_has_its_hours() -> None:
    transcript = call((2, said("late", 36_000_000, 36_061_042)))
    assert "10:00:00,000 --> 10:01:01,042" in srt.render(transcript)
    assert "10:00:00.000 --> 10:01:01.042" in vtt.render(transcript)


HOSTILE = "1\n\n00:00:01.000 --> 00:00:02.000\n<v Bob>{\\an8}&lt;b&gt; NOTE\u2028WEBVTT"


@given(
    hostile=st.one_of(
        st.just(HOSTILE), st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\n\r\u2028<>&-{")))
    )
)
def test_no_name_or_text_becomes_a_caption_of_its_own_or_markup(hostile: str) -> None:
    transcript = told(
        (1, ParticipantJoined(identity=hostile, name=hostile)),
        (2, said(hostile, participant=hostile, speaker=hostile)),
        (3, AgentSaid(text=hostile, interrupted=True, unplayed_text=hostile)),
        (4, Gap(from_ms=0, reason=hostile, participant=hostile)),
    )
    count = len(captions(transcript))
    blocks = vtt.render(transcript).rstrip("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    notes = [block for block in blocks[1:] if block.startswith("NOTE ")]
    cues = [block for block in blocks[1:] if not block.startswith("NOTE ")]
    assert len(notes) == 1 + len(transcript.gaps)
    assert len(cues) == count
    assert all(block.count("-->") == 0 and "\n" not in block for block in notes)
    assert all(re.fullmatch(r"[0-9:.]+ --> [0-9:.]+\n<v [^<>\n]*>[^<>\n]+(\n[^<>\n]+)?", block) for block in cues)
    in_srt = srt.render(transcript)
    assert in_srt.count("-->") == len(in_srt.split("\n\n")) - 1
    assert not re.search(r"<(?!\u2060)|\{(?!\u2060)", in_srt)


@pytest.mark.parametrize("call_name", CALLS)
def test_captions_hold_what_the_text_form_holds_but_for_what_was_not_said(call_name: str) -> None:
    transcript = transcript_of(CALLS[call_name]())
    spoken = [turn for turn in transcript.turns if turn.role in {"user", "agent"}]
    shown = letters("".join(line for caption in captions(transcript) for line in caption.lines))
    assert all(letters(word) in shown for turn in spoken for word in one_line(turn.text).split() if len(word) < 32)


def test_pieces_say_where_the_spaces_were() -> None:
    assert [(piece.text, piece.is_spaced) for piece in pieces("ab 你好 c", 20)] == [
        ("ab", True),
        ("你", True),
        ("好", False),
        ("c", True),
    ]
