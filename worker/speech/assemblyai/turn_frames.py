"""AssemblyAI's `Turn` messages, and the journal events that they become.

A message holds the turn so far (AssemblyAI streaming API, "Turn object"): `transcript` the words
that are final, `words` all of them, times in milliseconds of stream time. `end_of_turn` ends the
turn; with `format_turns` it comes twice, the second time formatted. `utterance` on a message that
does not end the turn is an early sign of its end (Universal-Streaming models).
"""

import logging
import time
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.speech.assemblyai.stream_clock import StreamClock
from worker.speech.paced import Paced
from worker.speech.recorder import Recorder
from worker.transcript.events import Event, UserEarly, UserFinal, UserInterim, UserRevised, Word

logger = logging.getLogger("verbatim.stt")

INTERIM_SECONDS = 1.0
"""At most one `user.interim` is journaled in this time, the newest words when it is over: what a crash may lose."""


# Strict, for the plugin reads the same message without checks: "no" must not be a false here and a true there.
FROM_OUTSIDE = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class FrameWord(BaseModel):
    """One word; `start` and `end` in milliseconds of stream time."""

    model_config = FROM_OUTSIDE

    text: str = ""
    start: float = 0
    end: float = 0
    confidence: float = 0.0
    word_is_final: bool = False


class TurnFrame(BaseModel):
    """One `Turn` message, fields that are missing left at their defaults."""

    model_config = FROM_OUTSIDE

    turn_order: int = 0
    turn_is_formatted: bool = False
    end_of_turn: bool = False
    transcript: str = ""
    utterance: str = ""
    end_of_turn_confidence: float | None = None
    speaker_label: str | None = None
    language_code: str | None = None
    words: list[FrameWord] = Field(default_factory=list)

    @property
    def text(self) -> str:
        """All words heard so far, or the transcript of a message without words."""
        words = " ".join(word.text for word in self.words)
        # Only the transcript knows that Japanese has no spaces; on some models it lacks the words that are not final.
        whole = not words or words.replace(" ", "") == self.transcript.replace(" ", "")
        return self.transcript if whole else words


class Revision(BaseModel):
    """Who spoke in a turn, on second thoughts."""

    model_config = FROM_OUTSIDE

    turn_order: int
    speaker_label: str | None = None


class SpeakerRevision(BaseModel):
    """The message that may come before the `Termination` of a session with speaker labels."""

    model_config = FROM_OUTSIDE

    revisions: list[Revision] = Field(default_factory=list)


class TurnJournal:
    """Journals the turns of one STT stream, whose provider sessions each count theirs from 0.

    A turn that a session left open is heard again by the next one, and keeps its number: its words take the place
    of those before.

    Args:
        recorder: takes the events, and knows the part's clock and the participant.
        formatted: a turn ends with its formatted final; the one before it is not the last word.
    """

    def __init__(self, recorder: Recorder, *, formatted: bool = False) -> None:
        self.stream = ""
        """Id of the stream: that of its first provider session."""
        self.clock = StreamClock(time.time())
        """Where the session's times are on the wall clock."""
        self.first_order = 0
        """Number in the stream of the session's turn 0."""
        self.final_until: float | None = None
        """When the last word of the newest turn that is over ended, in Unix seconds, if it had words."""
        self._recorder = recorder
        self._formatted = formatted
        self._open: dict[int, int] = {}
        """Turns whose words no final has confirmed yet, with the number of their words."""
        self._heard_before: dict[int, int] = {}
        """The same when the session began: it hears their words again, one by one."""
        self._last_order = -1
        self._unwritten: UserInterim | None = None
        self._signs_written = False
        """Of the turn that goes on, there are words in the journal that no final has confirmed."""
        self._interims = Paced(INTERIM_SECONDS, self._write_interim)

    @property
    def pending(self) -> bool:
        """Whether there are words that no final has confirmed yet."""
        return bool(self._open)

    def begin(self, session: str, *, start_time: float) -> None:
        """A session began, whose stream time zero is `start_time` (Unix seconds)."""
        self.stream = self.stream or session
        self.clock.begin(start_time)
        self.first_order = min(self._open, default=self._last_order + 1)
        for order in sorted(self._open)[1:]:
            # It may become part of the turn before it this time, or another turn altogether.
            del self._open[order]
            self._recorder.append(UserFinal(participant=self._recorder.participant, stream=self.stream,
                                            turn_order=order, text=""))  # fmt: skip
        self._heard_before = self._open.copy()

    def take(self, frame: dict[str, Any]) -> bool:
        """Journal what the `Turn` message `frame` says; return whether it could be read.

        What could not be read is not journaled, and so must go no further.
        """
        turn = _read(TurnFrame, frame)
        if turn is not None:
            self._journal(turn, self.first_order + turn.turn_order)
        return turn is not None

    def revise(self, frame: dict[str, Any], first_order: int) -> None:
        """Journal a `SpeakerRevision` of the session whose turn 0 is `first_order` in the stream."""
        message = _read(SpeakerRevision, frame)
        for revision in message.revisions if message is not None else ():
            self._recorder.append(
                UserRevised(
                    participant=self._recorder.participant,
                    stream=self.stream,
                    turn_order=first_order + revision.turn_order,
                    speaker=_speaker(revision.speaker_label),
                )
            )

    def _journal(self, turn: TurnFrame, order: int) -> None:
        self._last_order = max(self._last_order, order)
        if turn.end_of_turn:
            self._drop_interim()
            # A final without words withdraws those before it: the recogniser has decided that nothing was said.
            if turn.text or self._signs_written:
                self._recorder.append(self._final(turn, order))
            self._signs_written = False
            if turn.turn_is_formatted or not self._formatted:
                self._close(turn, order)
            return
        if turn.text:
            self._open[order] = len(turn.words)
        else:
            self._open.pop(order, None)
        if turn.utterance:
            self._drop_interim()  # older words must not follow the newer ones into the journal
            self._signs_written = True
            self._recorder.append(
                UserEarly(
                    participant=self._recorder.participant,
                    stream=self.stream,
                    turn_order=order,
                    text=turn.text,
                )
            )
        elif turn.text and len(turn.words) >= self._heard_before.get(order, 0):
            self._unwritten = UserInterim(
                participant=self._recorder.participant,
                stream=self.stream,
                turn_order=order,
                text=turn.text,
            )
            self._interims.ask()

    def _close(self, turn: TurnFrame, order: int) -> None:
        self._open.pop(order, None)
        self._heard_before.pop(order, None)
        if turn.words:
            self.final_until = self.clock.wall_clock(turn.words[-1].end / 1000)

    def end(self) -> None:
        """The session ended: words that no final confirmed are journaled as they stand."""
        self._interims.cancel()
        self._write_interim()

    def _write_interim(self) -> None:
        if self._unwritten is not None:
            self._recorder.append(self._unwritten)
            self._unwritten, self._signs_written = None, True

    def _drop_interim(self) -> None:
        self._interims.cancel()
        self._unwritten = None

    def _final(self, turn: TurnFrame, order: int) -> Event:
        words = tuple(
            Word(
                text=word.text,
                start_ms=self._ms(word.start),
                end_ms=self._ms(word.end),
                confidence=word.confidence,
            )
            for word in turn.words
        )
        confidences = [word.confidence for word in turn.words]
        return UserFinal(
            participant=self._recorder.participant,
            stream=self.stream,
            turn_order=order,
            text=turn.transcript or turn.text,
            words=words,
            speaker=_speaker(turn.speaker_label),
            language=turn.language_code,
            confidence=sum(confidences) / len(confidences) if confidences else None,
            started_ms=words[0].start_ms if words else None,
            ended_ms=words[-1].end_ms if words else None,
            formatted=turn.turn_is_formatted,
        )

    def _ms(self, stream_ms: float) -> int:
        return self._recorder.ms_at(self.clock.wall_clock(stream_ms / 1000))


def _speaker(label: str | None) -> str | None:
    return None if label == "UNKNOWN" else label


Message = TypeVar("Message", bound=BaseModel)


def _read(kind: type[Message], frame: dict[str, Any]) -> Message | None:
    """Return `frame` as a message of that kind; one that cannot be read is logged without its text."""
    try:
        return kind.model_validate(frame)
    except ValidationError as error:
        wrong = {".".join(map(str, each["loc"])) for each in error.errors(include_input=False)}
        name = frame.get("type")
        logger.warning("AssemblyAI sent a %s message that cannot be read: %s", name, ", ".join(sorted(wrong)))
        return None
