"""What must be in a transcript, by what was seen outside the worker. Pure.

The worker's own files say nothing here about what it accepted. The stand-in of the recogniser knows which finals it
sent, that of the LLM which texts it was given, that of the TTS what it was to speak, and the caller which captions
came. Each of these texts must be in the stored transcript once, in its order, but for finals that were on their way
at the moment of the fault.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from worker.transcript.model import Transcript

ON_ITS_WAY_S = 1.0
"""A final that was sent so shortly before the fault may not have reached the worker, unless the LLM was asked."""


@dataclass(frozen=True, slots=True)
class Final:
    """A final as the recogniser sent it; `sent_at` in Unix seconds."""

    text: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Outside:
    """What was seen of one call without the worker.

    Attributes:
        sentences: All that its caller may have said, each of them said in no other call.
        finals: What the recogniser sent, in order.
        asked: What the LLM was given as the caller's words, one text a message.
        recalled: What the LLM was given as the agent's own earlier words.
        spoken: What the TTS was asked for, as far as it is known to belong to the call.
        captions: What the agent published of its speech.
    """

    sentences: Sequence[str]
    finals: Sequence[Final] = ()
    asked: Sequence[str] = ()
    recalled: Sequence[str] = ()
    spoken: Sequence[str] = ()
    captions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a transcript compares.

    Attributes:
        required: How many texts had to be there.
        lost: Those that are not, each with where it was seen.
        doubled: Sentences that are there too often.
        misplaced: Sentences that are not in the order in which they were said.
        foreign: Sentences of another call.
    """

    required: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not (self.lost or self.doubled or self.misplaced or self.foreign)


def outside(
    sentences: Sequence[str],
    sessions: Iterable[Mapping[str, Any]],
    requests: Mapping[str, Sequence[Mapping[str, Any]]],
    captions: Sequence[str],
) -> Outside:
    """Picks what belongs to one call out of the logs of the stand-ins.

    Args:
        sentences: What the call's caller was given to say.
        sessions: The call's sessions in the log of the AssemblyAI stand-in.
        requests: The whole log of the OpenAI stand-in.
        captions: What the caller's end saw of the agent.
    """

    def of_this_call(text: str) -> bool:
        return any(sentence in text for sentence in sentences)

    conversations = [
        [(message["role"], _content(message)) for message in request["messages"]] for request in requests["chat"]
    ]
    own = [messages for messages in conversations if any(of_this_call(text) for _, text in messages)]
    return Outside(
        sentences=sentences,
        finals=tuple(Final(each["text"], each["sent_at"]) for session in sessions for each in session["finals"]),
        asked=tuple(text for messages in own for role, text in messages if role == "user"),
        recalled=tuple(text for messages in own for role, text in messages if role == "assistant" and text),
        spoken=tuple(request["input"] for request in requests["speech"] if of_this_call(request["input"])),
        captions=tuple(captions),
    )


def judge(
    seen: Outside, transcript: Transcript | None, *, struck_at: float | None, others: Collection[str] = frozenset()
) -> Verdict:
    """Compares a transcript with what was seen.

    Args:
        seen: The call from outside.
        transcript: As it is stored; None: there is none, and everything is lost.
        struck_at: When the fault came, in Unix seconds; None: there was none, and everything must be there.
        others: The sentences of other calls.
    """
    said = user_text(transcript) if transcript is not None else ""
    agent = agent_text(transcript) if transcript is not None else ""
    required = {
        sentence: f"the recogniser sent, {sentence}"
        for final in seen.finals
        for sentence in _of(seen.sentences, final.text)
        if struck_at is None or final.sent_at < struck_at - ON_ITS_WAY_S
    } | {sentence: f"the LLM got, {sentence}" for text in seen.asked for sentence in _of(seen.sentences, text)}
    of_the_agent = {
        _squeezed(text): f"{source}, {text}"
        for source, texts in (
            ("the LLM was reminded of", seen.recalled),
            ("the TTS was asked for", seen.spoken),
            ("the caller read", seen.captions),
        )
        for text in texts
        if _squeezed(text)
    }
    asked_for = Counter(sentence for text in seen.spoken for sentence in _of(seen.sentences, text))
    return Verdict(
        required=len(required) + len(of_the_agent),
        lost=(
            *(what for sentence, what in required.items() if sentence not in said),
            *(what for text, what in of_the_agent.items() if text not in agent),
        ),
        doubled=(
            *(sentence for sentence in seen.sentences if said.count(sentence) > 1),
            # What is on its way to the TTS is written down first, so that one more than was asked for is right.
            *(each for each in seen.sentences if agent.count(_squeezed(each)) > max(1, asked_for[each])),
        ),
        misplaced=tuple(_misplaced(seen, said)),
        foreign=tuple(sentence for sentence in others if sentence in said),
    )


def unowned(requests: Iterable[Mapping[str, Any]], transcripts: Iterable[Transcript]) -> tuple[str, ...]:
    """What the TTS was asked for more often than the agents of all calls together have it in their transcripts."""
    asked_for = Counter(_squeezed(request["input"]) for request in requests)
    told = "|".join(agent_text(transcript) for transcript in transcripts)
    return tuple(text for text, times in asked_for.items() if told.count(text) < times)


def user_text(transcript: Transcript) -> str:
    """All words of the caller."""
    return " ".join(turn.text for turn in transcript.turns if turn.role == "user")


def agent_text(transcript: Transcript) -> str:
    """All words of the agent, played or not, run together: captions and memories may be cut within a word."""
    return "|".join(_squeezed(f"{turn.text} {turn.unplayed_text}") for turn in transcript.turns if turn.role == "agent")


def _misplaced(seen: Outside, said: str) -> Iterable[str]:
    # What was on its way when a socket was lost is recognised again on the next one: its place is that of the first.
    finals = sorted(seen.finals, key=lambda final: final.sent_at)
    in_order = dict.fromkeys(sentence for final in finals for sentence in _of(seen.sentences, final.text))
    places = [(said.find(sentence), sentence) for sentence in in_order if sentence in said]
    for (before, _), (after, sentence) in pairwise(places):
        if after < before:
            yield sentence


def _of(sentences: Sequence[str], text: str) -> list[str]:
    """Those of the sentences that are in a text, in the text's order."""
    return sorted((sentence for sentence in sentences if sentence in text), key=text.find)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in content or [] if "text" in part)


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
