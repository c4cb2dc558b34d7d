"""Calls as their journals tell them, one for each thing that can happen in one.

Each is a function that returns the journals' files by name: `AJ_1.jsonl` of the first part, `AJ_1.1.jsonl` where
its journal went on after its disk failed, `AJ_2.jsonl` of the second part.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

from tests.transcript.journals import BEGAN, lines, started
from worker.transcript.events import (
    AgentChanged,
    AgentHeard,
    AgentSaid,
    AgentSentence,
    Dtmf,
    ErrorRaised,
    Event,
    Gap,
    Note,
    PartEnded,
    ParticipantJoined,
    ParticipantLeft,
    SttClosed,
    SttOpened,
    ToolCalled,
    ToolReturned,
    TurnLatency,
    UsageReported,
    UserEarly,
    UserFinal,
    UserInterim,
    UserRevised,
    UserTurn,
    Word,
)
from worker.transcript.joining import join_files
from worker.transcript.model import Transcript
from worker.transcript.replay import replay

Files = dict[str, bytes]
Timed = tuple[int, Event]

ALICE = ParticipantJoined(identity="caller-1", name="Alice")
LEFT = PartEnded(reason="caller_left")


def transcript_of(files: Mapping[str, bytes]) -> Transcript:
    """Replay a call from the files of its journals."""
    names = sorted(files, key=lambda name: (name.split(".")[0], len(name), name))
    journals = groupby(names, key=lambda name: name.split(".")[0])
    return replay([join_files([files[name] for name in part])[1] for _, part in journals])


def journal(*events: Timed, number: int = 1, after_ms: int = 0, **more: Any) -> list[bytes]:
    began = BEGAN + timedelta(milliseconds=after_ms)
    return lines((0, started(number, f"AJ_{number}", **more)), *events, began=began)


def one(*events: Timed) -> Files:
    """Return a call of one part."""
    return {"AJ_1.jsonl": b"".join(journal(*events))}


def words(text: str, start_ms: int) -> tuple[Word, ...]:
    """Return the words of `text` as a recogniser times them: 60 ms a letter, 80 ms between two."""
    found = []
    for word in text.split():
        end_ms = start_ms + 60 * len(word)
        found.append(Word(word, start_ms, end_ms, 0.97))
        start_ms = end_ms + 80
    return tuple(found)


def heard(text: str, start_ms: int, order: int, **more: Any) -> list[Timed]:
    """Return what the journal holds of a user's turn: words on the way, the final, and that the agent took it."""
    spoken = words(text, start_ms)
    end_ms = spoken[-1].end_ms or 0
    fields = {"participant": "caller-1", "stream": "S1", "turn_order": order} | more
    middle = len(spoken) // 2
    found: list[Timed] = []
    if middle:
        begun = " ".join(word.text for word in spoken[:middle]).lower()
        found.append((spoken[middle].start_ms or 0, UserInterim(text=begun, words=spoken[:middle], **fields)))
    final = UserFinal(text=text, words=spoken, language="en", formatted=True, **fields)
    return [*found, (end_ms + 150, final), (end_ms + 160, UserTurn(participant=fields["participant"], text=text))]


def spoke(text: str, start_ms: int, speech: str, played: str | None = None) -> list[Timed]:
    """Return what the journal holds of an answer that was played, or `played` of it before an interruption."""
    said = text if played is None else played
    end_ms = start_ms + 60 * len(said)
    return [
        (start_ms - 200, AgentSentence(text=text, speech=speech)),
        (start_ms + 500, AgentHeard(text=said[: len(said) // 2].rstrip(), speech=speech)),
        (
            end_ms,
            AgentSaid(
                text=said,
                speech=speech,
                interrupted=played is not None,
                unplayed_text=text[len(said) :].strip(),
                started_ms=start_ms,
                ended_ms=end_ms,
            ),
        ),
    ]


def short_call() -> Files:
    """Everything went well."""
    return one(
        (20, ALICE),
        (30, SttOpened(stream="S1", session="as-1", participant="caller-1")),
        *spoke("Hello, what would you like?", 500, "s1"),
        *heard("I would like two large pizzas, and a bottle of water, please.", 2600, 0),
        *spoke("Two large pizzas and a bottle of water. They will be there at eight.", 7400, "s2"),
        (11_600, TurnLatency(speech="s2", answer_ms=640, stages={"llm": 300, "tts": 150})),
        *heard("Thank you.", 12_000, 1),
        (13_500, ParticipantLeft(identity="caller-1")),
        (13_510, UsageReported(service="llm", model="m-1", amounts={"input_tokens": 120, "output_tokens": 30})),
        (13_520, LEFT),
        (13_900, SttClosed(stream="S1", session="as-1", billed_seconds=13.4)),
    )


def barge_in() -> Files:
    """The caller interrupts; the rest of the answer was never played."""
    return one(
        (20, ALICE),
        *spoke(
            "We have salami, tuna, mushrooms and quattro stagioni. Which one would you like?",
            600,
            "s1",
            played="We have salami, tuna,",
        ),
        *heard("Tuna!", 1700, 0),
        *spoke("One tuna pizza.", 3000, "s2"),
        (5000, LEFT),
    )


def crashed_call() -> Files:
    """The worker died while both spoke: words that were not final yet, and an answer that was half played."""
    return one(
        (20, ALICE),
        *heard("What are your opening hours?", 400, 0),
        (2900, AgentSentence(text="We are open from nine to five.", speech="s1")),
        (2950, AgentSentence(text="On Sundays we are closed.", speech="s1")),
        (3500, AgentHeard(text="We are open from", speech="s1")),
        (3600, UserInterim(participant="caller-1", text="and on", stream="S1", turn_order=1)),
        (3900, UserEarly(participant="caller-1", text="and on holidays", stream="S1", turn_order=1)),
        (4000, AgentHeard(text="We are open from nine", speech="s1")),
    )


def handover() -> Files:
    """A second worker goes on; the first heard the caller to the end meanwhile."""
    first = journal(
        (20, ALICE),
        *heard("My name is Ada Lovelace.", 400, 0),
        *spoke("Nice to meet you, Ada.", 3200, "s1"),
        (5000, PartEnded(reason="handover", detail="the worker is restarted")),
    )
    second = journal(
        (10, ALICE),
        *spoke("Where were we?", 1500, "s1"),
        *heard("I wanted to change my address.", 3000, 0),
        (6500, LEFT),
        number=2,
        after_ms=4000,
        resumed_from="AJ_1",
    )
    return {"AJ_1.jsonl": b"".join(first), "AJ_2.jsonl": b"".join(second)}


def resumed_after_crash() -> Files:
    """A worker dies, another one takes the call a while later, and a third part is known only by its successor."""
    first = journal((20, ALICE), *heard("Hello?", 400, 0))
    third = journal(
        (30, ALICE),
        *spoke("I am sorry, the line was bad.", 400, "s1"),
        (3000, PartEnded(reason="goodbye")),
        number=3,
        after_ms=9000,
        resumed_from="AJ_2",
    )
    return {"AJ_1.jsonl": b"".join(first), "AJ_3.jsonl": b"".join(third)}


def degraded_call() -> Files:
    """The disk failed in the middle: the journal went on in memory, and then in another file."""
    reason = "not durable: the disk refuses it (No space left on device)"
    whole = journal(
        (20, ALICE),
        *heard("I forgot my password.", 400, 0),
        (2700, ErrorRaised(code="journal_not_durable", message="The journal is not durable.", source="storage")),
        (2710, Gap(from_ms=2600, reason=reason)),
        *spoke("Shall I send you a new one?", 3400, "s1"),
        *heard("Yes, please.", 5600, 1),
        (7900, Gap(from_ms=2600, to_ms=7890, reason=reason)),
        (9000, LEFT),
    )
    return {"AJ_1.jsonl": b"".join(whole[:5]) + whole[5][:40], "AJ_1.1.jsonl": b"".join(whole[4:])}


def scripts() -> Files:
    """Right-to-left, Chinese, Japanese, Korean, Thai, Hindi; emoji of several code points; combining marks."""
    said = [
        "مرحبا بالعالم، كيف حالك اليوم؟ أريد أن أحجز طاولة لشخصين.",
        "你好，我想预订一张两个人的桌子，明天晚上七点半，靠窗的位置，谢谢。",  # noqa: RUF001
        "こんにちは。明日の夜、「窓際」のテーブルを二名で予約したいのですが、よろしいでしょうか。",
        "안녕하세요, 내일 저녁에 두 명이 앉을 자리를 예약하고 싶습니다.",
        "สวัสดีครับผมต้องการจองโต๊ะสำหรับสองคนพรุ่งนี้ตอนเย็นครับ",
        "नमस्ते, मुझे कल शाम दो लोगों के लिए एक मेज़ चाहिए।",
        "Family 👩‍👩‍👧‍👦 flag 🇩🇪 thumb 👍🏽 heart ❤️ and e\u0301te\u0301, a\u0308o\u0308u\u0308 "
        "and Z\u0351\u0343a\u0321l\u0340g\u0334o\u0324.",
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    ]
    turns = [
        (
            4000 * place + 3500,
            UserFinal(
                participant="caller-1",
                text=text,
                stream="S1",
                turn_order=place,
                started_ms=4000 * place + 500,
                ended_ms=4000 * place + 3300,
            ),
        )
        for place, text in enumerate(said)
    ]
    taken = [(ms + 10, UserTurn(participant="caller-1", text="")) for ms, _ in turns]
    events: list[Timed] = [each for pair in zip(turns, taken, strict=True) for each in pair]
    return one((20, ParticipantJoined(identity="caller-1", name="مريم")), *events, (40_000, LEFT))


def tool_calls() -> Files:
    """Tools that answered, failed, and never answered; another agent takes over."""
    return one(
        (20, ALICE),
        *heard("Book a table for two.", 400, 0),
        (2500, ToolCalled(call="c1", name="book", arguments='{"seats": 2}', speech="s1")),
        (2900, ToolReturned(call="c1", name="book", output='{"table": 7}')),
        (3000, ToolCalled(call="c2", name="send_mail", arguments="{}")),
        (3300, ToolReturned(call="c2", output="no address is known", failed=True)),
        (3400, AgentChanged(agent="MailAgent")),
        *spoke("Table seven is yours. What is your address?", 3800, "s1"),
        (7000, ToolCalled(call="c3", name="charge", arguments='{"cents": 500}')),
        (7100, PartEnded(reason="error", detail="the language model refused the key")),
    )


def chat() -> Files:
    """Typed messages between spoken words."""
    return one(
        (20, ALICE),
        *heard("My mail address is", 400, 0)[:-1],
        (1900, UserFinal(participant="caller-1", text="a.lovelace@example.org\n<b>now</b> --> & done", source="chat")),
        *heard("did you get it?", 2500, 1),
        *spoke("Yes, I did.", 4800, "s1"),
        (6000, LEFT),
    )


def keys_pressed() -> Files:
    """A phone call with keys, and a remark by the operator's own code."""
    return one(
        (20, ParticipantJoined(identity="sip_+4930123456", name="+49 30 123456", participant_kind="sip")),
        *spoke("Press one for sales.", 500, "s1"),
        (2600, Dtmf(participant="sip_+4930123456", digit="1")),
        (2700, Dtmf(participant="sip_+4930123456", digit="#")),
        (2800, Note(text="consent given")),
        *heard("Sales, please.", 3200, 0, participant="sip_+4930123456"),
        (5500, LEFT),
    )


def two_people() -> Files:
    """One of them is not transcribed for a while, and is called like the agent."""
    return one(
        (20, ALICE),
        (400, ParticipantJoined(identity="guest", name="verbatim", transcribed=False)),
        *heard("My colleague is here too.", 900, 0),
        (4000, ParticipantJoined(identity="guest", name="verbatim", transcribed=True)),
        *heard("Hello from me.", 4200, 0, participant="guest", stream="S2"),
        *heard("Let us begin.", 4400, 1),
        (7000, ParticipantLeft(identity="guest")),
        (9000, PartEnded(reason="room_closed", detail="deleted by the server")),
    )


def speakers() -> Files:
    """Two people at one microphone; the recogniser corrects itself."""
    return one(
        (20, ALICE),
        *heard("Good morning.", 400, 0, speaker="A")[:-1],
        *heard("Good morning from me too.", 1900, 1, speaker="A"),
        (4200, UserRevised(participant="caller-1", stream="S1", turn_order=1, speaker="B")),
        (5000, LEFT),
    )


def doubled_finals() -> Files:
    """Each turn is final twice, plain and formatted, and was signed early; the same words twice are two turns."""
    found: list[Timed] = []
    for order, start_ms in enumerate((400, 2400)):
        fields = {"participant": "caller-1", "stream": "S1", "turn_order": order}
        found += [
            (start_ms + 500, UserEarly(text="yes that", **fields)),  # type: ignore[arg-type]
            (start_ms + 900, UserFinal(text="yes that is right", words=words("yes that is right", start_ms), **fields)),  # type: ignore[arg-type]
            *heard("Yes, that is right.", start_ms, order)[1:],
        ]
    return one((20, ALICE), *found, (5000, LEFT))


def slow_speaker() -> Files:
    """A long turn with a silence in it, of many segments, which the agent took as one."""
    segments = [
        *heard("So, my number is five five five, and then one two three four,", 500, 0)[:-1],
        *heard("wait a moment, I have to look it up.", 9000, 1)[:-1],
        *heard("Yes, one two three four was right, nothing comes after that.", 16_000, 2)[:-1],
    ]
    return one((20, ALICE), *segments, (21_000, UserTurn(participant="caller-1", text="")), (22_000, LEFT))


def silent_call() -> Files:
    """Nobody said anything."""
    return one((20, ALICE), (9000, ParticipantLeft(identity="caller-1")), (9010, LEFT))


CALLS: Mapping[str, Callable[[], Files]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        short_call,
        barge_in,
        crashed_call,
        handover,
        resumed_after_crash,
        degraded_call,
        scripts,
        tool_calls,
        chat,
        keys_pressed,
        two_people,
        speakers,
        doubled_finals,
        slow_speaker,
        silent_call,
    )
}
