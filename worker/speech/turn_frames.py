"""AssemblyAI's `Turn` messages, and the journal events that they become.

A message holds the turn so far (AssemblyAI streaming API, "Turn object"): `transcript` the words
that are final, `words` all of them, times in milliseconds of stream time. `end_of_turn` ends the
turn; with `format_turns` it comes twice, the second time formatted. `utterance` on a message that
does not end the turn is an early sign of its end (Universal-Streaming models).
"""

import logging
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.speech.paced import Paced
from worker.speech.recorder import Recorder
from worker.speech.stream_clock import StreamClock
from worker.transcript.events import Event, UserEarly, UserFinal, UserInterim, Word

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
        return " ".join(word.text for word in self.words) or self.transcript


class TurnJournal:
    """Journals the turns of one STT stream.

    Args:
        recorder: takes the events, and knows the part's clock and the participant.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.session = ""
        """Id of the provider's session, which makes `turn_order` unique."""
        self.pending = False
        """Whether the turn has words that no final has confirmed yet."""
        self._recorder = recorder
        self.clock = StreamClock(time.time())
        """Where the stream's times are on the wall clock."""
        self._unwritten: UserInterim | None = None
        self._signs_written = False
        """Of the turn that goes on, there are words in the journal that no final has confirmed."""
        self._interims = Paced(INTERIM_SECONDS, self._write_interim)

    def begin(self, *, start_time: float) -> None:
        """Stream time zero is `start_time` (Unix seconds)."""
        self.clock.begin(start_time)

    def take(self, frame: dict[str, Any]) -> bool:
        """Journal what the `Turn` message `frame` says; return whether it could be read.

        What could not be read is not journaled, and so must go no further.
        """
        try:
            turn = TurnFrame.model_validate(frame)
        except ValidationError as error:
            wrong = {".".join(map(str, each["loc"])) for each in error.errors(include_input=False)}
            logger.warning("AssemblyAI sent a Turn message that cannot be read: %s", ", ".join(sorted(wrong)))
            return False
        self._journal(turn)
        return True

    def _journal(self, turn: TurnFrame) -> None:
        self.pending = not turn.end_of_turn and bool(turn.text)
        if turn.end_of_turn:
            self._drop_interim()
            # A final without words withdraws those before it: the recogniser has decided that nothing was said.
            if turn.text or self._signs_written:
                self._recorder.append(self._final(turn))
            self._signs_written = False
        elif turn.utterance:
            self._drop_interim()  # older words must not follow the newer ones into the journal
            self._signs_written = True
            self._recorder.append(
                UserEarly(
                    participant=self._recorder.participant,
                    stream=self.session,
                    turn_order=turn.turn_order,
                    text=turn.text,
                )
            )
        elif turn.text:
            self._unwritten = UserInterim(
                participant=self._recorder.participant,
                stream=self.session,
                turn_order=turn.turn_order,
                text=turn.text,
            )
            self._interims.ask()

    def end(self) -> None:
        """The stream ended: words that no final confirmed are journaled as they stand."""
        self._interims.cancel()
        self._write_interim()
        self.pending = False

    def _write_interim(self) -> None:
        if self._unwritten is not None:
            self._recorder.append(self._unwritten)
            self._unwritten, self._signs_written = None, True

    def _drop_interim(self) -> None:
        self._interims.cancel()
        self._unwritten = None

    def _final(self, turn: TurnFrame) -> Event:
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
            stream=self.session,
            turn_order=turn.turn_order,
            text=turn.transcript or turn.text,
            words=words,
            speaker=None if turn.speaker_label == "UNKNOWN" else turn.speaker_label,
            language=turn.language_code,
            confidence=sum(confidences) / len(confidences) if confidences else None,
            started_ms=words[0].start_ms if words else None,
            ended_ms=words[-1].end_ms if words else None,
            formatted=turn.turn_is_formatted,
        )

    def _ms(self, stream_ms: float) -> int:
        return self._recorder.ms_at(self.clock.wall_clock(stream_ms / 1000))
