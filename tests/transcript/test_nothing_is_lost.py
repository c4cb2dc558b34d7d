"""Whatever the order of events, every word that was final or spoken is in the transcript, and none twice."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.journals import part
from worker.transcript.events import (
    AgentHeard,
    AgentSaid,
    AgentSentence,
    Event,
    Gap,
    PartEnded,
    ParticipantJoined,
    ParticipantLeft,
    UserEarly,
    UserFinal,
    UserInterim,
    UserTurn,
)
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading
from worker.transcript.render import FORMATS
from worker.transcript.render import json as as_json
from worker.transcript.replay import replay

people = st.sampled_from(["ann", "bob"])
keys = st.fixed_dictionaries(
    {"participant": people, "stream": st.sampled_from(["S1", "S2"]), "turn_order": st.integers(0, 3) | st.none()}
)
speeches = st.sampled_from(["s1", "s2"])
user_events = st.one_of(
    st.builds(lambda key: (UserInterim, key), keys),
    st.builds(lambda key: (UserEarly, key), keys),
    st.builds(lambda key, formatted: (UserFinal, key | {"formatted": formatted}), keys, st.booleans()),
    st.builds(lambda who: (UserFinal, {"participant": who, "source": "chat"}), people),
    st.builds(lambda who: (UserTurn, {"participant": who}), people),
)
times = st.lists(st.integers(0, 3000), min_size=40, max_size=40).map(lambda steps: [sum(steps[:n]) for n in range(40)])


def numbered(drawn: list[tuple[type[Event], dict[str, Any]]]) -> list[Event]:
    """Give each event a text of its own, which no other text contains."""
    return [kind(text=f"<{number}>", **fields) for number, (kind, fields) in enumerate(drawn)]  # type: ignore[call-arg]


def words(transcript: Transcript) -> Counter[str]:
    spoken = [text for turn in transcript.turns for text in (turn.text, turn.unplayed_text)]
    return Counter(f"<{text}>" for text in "".join(spoken).replace(" ", "").strip("<>").split("><") if text)


def told(events: list[Event], at: list[int]) -> Transcript:
    return replay([part(*zip(at, events, strict=False))])


@given(drawn=st.lists(user_events, max_size=40), at=times)
def test_every_final_is_there_once(drawn: list[Any], at: list[int]) -> None:
    events = numbered(drawn)
    found = words(told(events, at))
    assert set(found.values()) <= {1}
    finals: dict[object, list[UserFinal]] = {}
    for place, event in enumerate(events):
        if isinstance(event, UserFinal):
            single = event.turn_order is None
            finals.setdefault(place if single else (event.participant, event.stream, event.turn_order), []).append(
                event
            )
    for doubled in finals.values():
        formatted = [each.text for each in doubled if each.formatted]
        wanted = (formatted or [each.text for each in doubled])[-1]
        assert [each.text for each in doubled if found[each.text]] == [wanted]


@given(drawn=st.lists(user_events, max_size=40), at=times)
def test_the_newest_words_that_never_became_final_are_there(drawn: list[Any], at: list[int]) -> None:
    events = [event for event in numbered(drawn) if not isinstance(event, UserTurn)]
    newest: dict[object, str] = {}
    is_final: set[object] = set()
    for event in events:
        assert isinstance(event, UserInterim | UserEarly | UserFinal)
        key = (event.participant, event.stream, event.turn_order)
        if isinstance(event, UserFinal):
            newest.pop(key, None)
            is_final.update([key] if event.turn_order is not None else [])
        elif key not in is_final:
            newest[key] = event.text
    unfinished = [turn.text for turn in told(events, at).turns if turn.unfinished]
    assert sorted(unfinished) == sorted(newest.values())


@given(data=st.data(), at=times)
def test_every_sentence_is_played_or_unplayed_and_there_once(data: st.DataObject, at: list[int]) -> None:
    events: list[Event] = []
    open_speeches: dict[str, list[str]] = {}
    for number in range(data.draw(st.integers(0, 30))):
        speech = data.draw(speeches)
        sentences = open_speeches.setdefault(speech, [])
        played = " ".join(sentences[: data.draw(st.integers(0, len(sentences)))])
        match data.draw(st.sampled_from(["sentence", "heard", "said"])):
            case "heard" if sentences:
                events.append(AgentHeard(text=played, speech=speech))
            case "said" if sentences:
                interrupted = played != " ".join(sentences)
                events.append(AgentSaid(text=played, speech=speech, interrupted=interrupted))
                del open_speeches[speech]
            case _:
                sentences.append(f"<{number}>")
                events.append(AgentSentence(text=f"<{number}>", speech=speech))
    found = words(told(events, at))
    assert found == Counter(event.text for event in events if isinstance(event, AgentSentence))


any_event = st.one_of(
    st.builds(
        UserFinal,
        participant=people,
        text=st.text(max_size=8),
        started_ms=st.none() | st.integers(-100, 90_000),
        ended_ms=st.none() | st.integers(-100, 90_000),
    ),
    st.builds(
        AgentSaid, text=st.text(max_size=8), interrupted=st.booleans(), started_ms=st.none() | st.integers(0, 9000)
    ),
    st.builds(Gap, from_ms=st.integers(-5, 9000), to_ms=st.none() | st.integers(-5, 9000), reason=st.text(max_size=8)),
    st.builds(ParticipantJoined, identity=people, transcribed=st.booleans(), name=st.text(max_size=5)),
    st.builds(ParticipantLeft, identity=people),
    st.builds(PartEnded, reason=st.sampled_from(["caller_left", "handover", "error"])),
)


@st.composite
def sessions(draw: st.DrawFn) -> list[Reading]:
    """Draw the journals of up to four parts, whose clocks agree as little as they like."""
    return [
        part(
            *enumerate(draw(st.lists(any_event, max_size=6)), start=1),
            number=number,
            after_ms=draw(st.integers(-100_000, 100_000)),
        )
        for number in draw(st.lists(st.integers(1, 5), min_size=1, max_size=4, unique=True))
    ]


@given(readings=sessions(), randomness=st.randoms())
def test_any_session_has_one_transcript_in_every_form(readings: list[Reading], randomness: Any) -> None:
    transcript = replay(readings)
    randomness.shuffle(readings)
    assert replay(readings) == transcript
    starts = [turn.started_ms for turn in transcript.turns]
    assert starts == sorted(starts)
    assert all(0 <= turn.started_ms <= turn.ended_ms for turn in transcript.turns)
    assert [turn.index for turn in transcript.turns] == list(range(len(starts)))
    assert transcript.complete == (not transcript.gaps)
    assert all(gap.from_ms >= 0 and (gap.to_ms is None or gap.from_ms <= gap.to_ms) for gap in transcript.gaps)
    assert as_json.read(as_json.render(transcript)) == transcript
    for render in FORMATS.values():
        assert render(transcript) == render(as_json.read(as_json.render(transcript)))
