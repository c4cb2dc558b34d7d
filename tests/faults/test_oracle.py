"""The oracle of the fault tests sees each kind of wrong transcript, and nothing wrong in a right one."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.oracle import Final, Outside, judge, outside, unowned
from tests.faults.sentences import sentence
from tests.transcript.journals import told
from worker.transcript.events import AgentSaid, AgentSentence, Event, UserFinal
from worker.transcript.model import Transcript

FIRST, SECOND, THIRD, FOREIGN = map(sentence, range(4))
ANSWER = f"I heard you say, {FIRST[:-1]}."
STRUCK_AT = 1000.0

SEEN = Outside(
    sentences=[FIRST, SECOND, THIRD],
    finals=[Final(FIRST, 990.0), Final(SECOND, 995.0)],
    asked=[FIRST, SECOND],
    recalled=[ANSWER],
    spoken=[ANSWER],
    captions=["I heard you s"],
)
"""A call in which two sentences were said, and the first one answered."""


def said(*texts: str) -> list[Event]:
    return [UserFinal(participant="caller", stream="s", turn_order=at, text=text) for at, text in enumerate(texts)]


def answered(text: str = ANSWER) -> list[Event]:
    return [AgentSentence(text=text, speech="speech"), AgentSaid(text=text, speech="speech")]


def transcript(*events: Event) -> Transcript:
    return told(*[(100 * (at + 1), event) for at, event in enumerate(events)])


def test_a_transcript_that_has_everything_is_clean() -> None:
    verdict = judge(SEEN, transcript(*said(FIRST, SECOND), *answered()), struck_at=STRUCK_AT)
    assert verdict.clean
    assert verdict.required == 4


def test_words_that_the_agent_did_not_play_count_as_kept() -> None:
    cut = AgentSaid(text="I heard you s", speech="speech", interrupted=True)
    assert judge(SEEN, transcript(*said(FIRST, SECOND), answered()[0], cut), struck_at=STRUCK_AT).clean


@pytest.mark.parametrize(
    ("events", "missing"),
    [
        ([*said(FIRST), *answered()], {f"the LLM got, {SECOND}"}),
        (
            said(FIRST, SECOND),
            {f"the caller read, {SEEN.captions[0]}", f"the TTS was asked for, {ANSWER}"},
        ),
    ],
)
def test_a_text_that_was_seen_and_is_not_there_is_lost(events: list[Event], missing: set[str]) -> None:
    assert set(judge(SEEN, transcript(*events), struck_at=STRUCK_AT).lost) == missing


def test_without_a_transcript_everything_is_lost() -> None:
    verdict = judge(SEEN, None, struck_at=STRUCK_AT)
    assert len(verdict.lost) == verdict.required == 4
    assert (verdict.doubled, verdict.misplaced) == ((), ())


def test_a_final_may_be_missing_only_when_it_was_on_its_way_and_nobody_had_answered_it() -> None:
    kept = transcript(*said(FIRST, SECOND), *answered())
    for sent_at, lost in ((999.5, False), (998.5, True)):
        seen = replace(SEEN, finals=[*SEEN.finals, Final(THIRD, sent_at)])
        assert bool(judge(seen, kept, struck_at=STRUCK_AT).lost) is lost
    on_its_way = replace(SEEN, finals=[*SEEN.finals, Final(THIRD, 999.5)])
    assert judge(on_its_way, kept, struck_at=None).lost
    assert judge(replace(on_its_way, asked=[FIRST, SECOND, THIRD]), kept, struck_at=STRUCK_AT).lost


def test_what_is_there_twice_is_doubled() -> None:
    twice = judge(SEEN, transcript(*said(FIRST, SECOND, FIRST), *answered()), struck_at=STRUCK_AT)
    assert twice.doubled == (FIRST,)
    repeated = judge(SEEN, transcript(*said(FIRST, SECOND), *answered(f"{ANSWER} {ANSWER}")), struck_at=STRUCK_AT)
    assert repeated.doubled == (FIRST,)


def test_what_was_said_earlier_and_comes_later_is_misplaced() -> None:
    verdict = judge(SEEN, transcript(*said(SECOND, FIRST), *answered()), struck_at=STRUCK_AT)
    assert verdict.misplaced == (SECOND,)


def test_what_is_recognised_again_on_a_new_socket_is_where_it_was_first() -> None:
    again = replace(SEEN, finals=[Final(SECOND, 991.0), Final(FIRST, 992.0), Final(FIRST, 990.0), Final(SECOND, 993.0)])
    assert judge(again, transcript(*said(FIRST, SECOND), *answered()), struck_at=STRUCK_AT).misplaced == ()
    assert judge(again, transcript(*said(SECOND, FIRST), *answered()), struck_at=STRUCK_AT).misplaced == (SECOND,)


def test_what_was_said_in_another_call_is_foreign() -> None:
    mixed = transcript(*said(FIRST, SECOND, FOREIGN), *answered())
    assert judge(SEEN, mixed, struck_at=STRUCK_AT, others={FOREIGN}).foreign == (FOREIGN,)


def test_a_call_is_picked_out_of_the_logs_by_its_sentences() -> None:
    session = {"finals": [{"text": FIRST, "sent_at": 990.0}]}
    chat = [conversation(FIRST, ANSWER, SECOND), conversation(FOREIGN)]
    speech = [{"input": ANSWER}, {"input": FOREIGN}]
    seen = outside([FIRST, SECOND], [session], {"chat": chat, "speech": speech}, ["I heard"])
    assert seen == Outside(
        sentences=[FIRST, SECOND],
        finals=(Final(FIRST, 990.0),),
        asked=(FIRST, SECOND),
        recalled=(ANSWER,),
        spoken=(ANSWER,),
        captions=("I heard",),
    )


def test_what_was_spoken_more_often_than_all_transcripts_have_it_is_found() -> None:
    closing = "This is only a demo."
    transcripts = [transcript(*answered(f"{ANSWER} {closing}"))]
    assert unowned([{"input": closing}], transcripts) == ()
    assert len(unowned([{"input": closing}, {"input": closing}], transcripts)) == 1


def conversation(*turns: str) -> dict[str, Any]:
    roles = ["user", "assistant"]
    return {
        "messages": [
            {"role": roles[at % 2], "content": [{"type": "text", "text": text}]} for at, text in enumerate(turns)
        ]
    }
