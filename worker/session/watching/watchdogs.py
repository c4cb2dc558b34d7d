"""What is to be done when a call does not go on by itself: nobody speaks, nothing answers, time is up. Pure.

`Watchdogs` is told what happens, with the moment, and asked what is due. It has no clock of its own; moments are
seconds on any clock that does not go back. Every limit that is 0 is off.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from config.spoken_lines import Line
from worker.session.closing.ending import Ending
from worker.speech.catalogue import Fault, fault

AgentState = Literal["initializing", "idle", "listening", "thinking", "speaking"]
"""As the framework names them (livekit-agents 1.8.9, `voice/events.py`)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds; 0: for ever."""

    call: float = 3600
    """The whole call."""
    answer: float = 10
    """From the caller's last word to the first of the answer."""
    silence_prompt: float = 30
    """Silence of both sides before the caller is asked whether they are there."""
    silence_goodbye: float = 30
    """Silence after that question before the call ends."""
    no_audio: float = 25
    """No audio although a microphone is open, before the caller is told; twice as long, and the call ends."""
    not_recognised: float = 15
    """Speech without recognised words before the caller is told."""
    outage_notice: float = 5
    """Without speech recognition before the caller is told."""
    outage: float = 60
    """Without speech recognition before the call ends."""
    failures: int = 3
    """Answers that may fail one after the other, before the call ends."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is due, once.

    Attributes:
        line: What the caller is told, if anything.
        code: The fault to write down, as the catalogue names it, if one was found here.
        give_up: Stop the answer that is being made.
        end: End the call so, after the line.
    """

    line: Line | None = None
    code: str | None = None
    give_up: bool = False
    end: Ending | None = None


_ANSWER: Final = "answer"


class Watchdogs:
    """The state of one call, as far as it matters for going on.

    Args:
        limits: How long things may take.
        began: The moment at which the call began.
    """

    def __init__(self, limits: Limits, began: float) -> None:
        self._limits = limits
        self._began = began
        self._agent: AgentState = "initializing"
        self._own_line = False
        self._caller_can_speak = False
        self._caller_ever_spoke = False
        self._speaking_since: float | None = None
        self._quiet_since = began
        self._prompted = False
        self._waiting_since: float | None = None
        self._tools = 0
        self._failed: Counter[str] = Counter()
        self._failure: Step | None = None
        self._deaf_since: float | None = None
        self._deafness_told = False
        self._misheard_told = False
        self._without_audio_since: float | None = None
        self._absence_told = False
        self._over = False

    # --- what happens

    def caller_can_speak(self, can: bool, now: float) -> None:
        """A caller with a microphone is in the room, or no longer."""
        if can != self._caller_can_speak:
            self._caller_can_speak = can
            self._stirred(now)
            self._without_audio_since = None

    def begin(self, now: float) -> None:
        """The call is this agent's from now on; until then another one may have been spoken with."""
        self._quiet_since = now
        if self._speaking_since is not None:
            self._speaking_since = now

    def words(self, now: float) -> None:
        """The caller's words were recognised, typed, or keys were pressed."""
        self._caller_ever_spoke = True
        self._deaf_since, self._deafness_told = None, False
        self._misheard_told = False
        if self._speaking_since is not None:
            self._speaking_since = now
        self._stirred(now)

    def turn_ended(self, now: float, *, is_answered: bool = True) -> None:
        """The caller said something; `is_answered` unless the agent decides itself whether it says something to it."""
        self.words(now)
        # What is said while the agent speaks may be assent, or not heard by it at all.
        if is_answered and self._agent != "speaking":
            self._waiting_since = now

    def caller_speaks(self, speaks: bool, now: float) -> None:
        """The local voice activity detection hears speech begin or end."""
        self._speaking_since = now if speaks else None
        if not speaks:
            self._quiet_since = max(self._quiet_since, now)

    def agent_is(self, state: AgentState, now: float) -> None:
        """The agent's state changed."""
        if state == "thinking" and self._waiting_since is None:
            self._waiting_since = now
        elif state == "speaking" and not self._own_line:
            self._answered()
        elif state == "listening" and self._agent == "thinking":
            self._waiting_since = None  # it has decided to say nothing, or failed, which is told apart from this
        if self._agent == "speaking" or state == "speaking":
            self._quiet_since = now
        self._agent = state

    def line_begins(self) -> None:
        """One of our own lines is about to be spoken: it is no answer."""
        self._own_line = True

    def line_ended(self, now: float) -> None:
        """Our own line is over."""
        self._own_line = False
        self._quiet_since = now

    def tool_began(self) -> None:
        """A tool runs; how long it may take is its own affair."""
        self._tools += 1

    def tool_ended(self, now: float) -> None:
        """A tool returned; the answer is waited for from now on."""
        self._tools = max(0, self._tools - 1)
        if self._waiting_since is not None:
            self._waiting_since = now

    def failed(self, service: str, found: Fault, now: float, *, tried_again: bool = False) -> None:
        """A service, `stt`, `llm` or `tts`, failed; `tried_again` while it has attempts left."""
        if service == "stt":
            self._deaf_since = now if self._deaf_since is None else self._deaf_since
            if not tried_again:
                self._failure = _give_up(found)
        elif not tried_again:
            self._count_failure(service, found)

    def recogniser_is_back(self) -> None:
        """A session with the recogniser began."""
        self._deaf_since = None

    def audio_flows(self, flows: bool, now: float) -> None:
        """Whether audio came from the caller's open microphone since the last look."""
        if flows:
            self._without_audio_since, self._absence_told = None, False
        elif self._without_audio_since is None:
            self._without_audio_since = now

    # --- what is due

    def due(self, now: float) -> Step | None:
        """Return what is to be done now, if anything; the same is not returned again."""
        if self._over:
            return None
        rules: tuple[Callable[[float], Iterator[Step]], ...] = (
            self._time_is_up,
            self._a_service_failed,
            self._nobody_listens,
            self._no_answer_comes,
            self._no_audio_comes,
            self._nothing_is_recognised,
            self._nobody_speaks,
        )
        step = next((step for rule in rules for step in rule(now)), None)
        self._over = step is not None and step.end is not None
        return step

    def _time_is_up(self, now: float) -> Iterator[Step]:
        if _passed(self._limits.call, self._began, now):
            yield Step("time_limit", end=Ending("goodbye", "the call reached its longest duration"), give_up=True)

    def _a_service_failed(self, _: float) -> Iterator[Step]:
        if self._failure is not None:
            step, self._failure = self._failure, None
            yield step

    def _nobody_listens(self, now: float) -> Iterator[Step]:
        if self._deaf_since is None:
            return
        if _passed(self._limits.outage, self._deaf_since, now):
            yield _give_up(fault("call.deaf"), code="call.deaf")
        elif not self._deafness_told and _passed(self._limits.outage_notice, self._deaf_since, now):
            self._deafness_told = True
            yield Step("cannot_hear")

    def _no_answer_comes(self, now: float) -> Iterator[Step]:
        waiting = self._waiting_since
        if waiting is None or self._tools or self._speaking_since is not None or self._agent == "speaking":
            return
        if _passed(self._limits.answer, max(waiting, self._quiet_since), now):
            self._waiting_since = None
            self._count_failure(_ANSWER, fault("call.no_answer"))
            step, self._failure = self._failure, None
            assert step is not None
            yield Step(step.line, "call.no_answer", True, step.end)

    def _no_audio_comes(self, now: float) -> Iterator[Step]:
        if self._without_audio_since is None or not self._caller_can_speak:
            return
        if _passed(2 * self._limits.no_audio, self._without_audio_since, now):
            detail = "no audio came from the caller"
            yield Step("silence_goodbye", end=Ending("error", detail), give_up=True)
        elif not self._absence_told and _passed(self._limits.no_audio, self._without_audio_since, now):
            self._absence_told = True
            yield Step("cannot_hear", "call.no_audio")

    def _nothing_is_recognised(self, now: float) -> Iterator[Step]:
        # What is heard while the agent speaks may be its own voice, and nobody waits to be understood.
        if self._speaking_since is None or self._misheard_told or self._deaf_since is not None:
            return
        if self._agent == "speaking":
            return
        if _passed(self._limits.not_recognised, max(self._speaking_since, self._quiet_since), now):
            self._misheard_told = True
            yield Step("cannot_hear", "call.not_recognised")

    def _nobody_speaks(self, now: float) -> Iterator[Step]:
        busy = self._speaking_since is not None or self._waiting_since is not None or self._tools
        if busy or not self._caller_can_speak or self._agent not in ("listening", "idle"):
            return
        if not self._prompted and _passed(self._limits.silence_prompt, self._quiet_since, now):
            self._prompted = True
            self._quiet_since = now
            yield Step("are_you_there")
        elif self._prompted and _passed(self._limits.silence_goodbye, self._quiet_since, now):
            detail = "the caller fell silent" if self._caller_ever_spoke else "the caller never spoke"
            yield Step("silence_goodbye", end=Ending("goodbye", detail))

    def _stirred(self, now: float) -> None:
        self._quiet_since, self._prompted = now, False

    def _answered(self) -> None:
        self._waiting_since = None
        self._failed.clear()

    def _count_failure(self, what: str, found: Fault) -> None:
        self._waiting_since = None
        self._failed[what] += 1
        if self._failure is not None and self._failure.end is not None:
            return  # what ends the call is not made up for by what failed after it
        too_often = self._limits.failures and self._failed.total() >= self._limits.failures
        self._failure = _give_up(found) if found.fatal or too_often else Step("trouble")


def _give_up(found: Fault, code: str | None = None) -> Step:
    return Step("failed", code, True, Ending("error", found.sentence))


def _passed(limit: float, since: float, now: float) -> bool:
    return limit > 0 and now - since >= limit
