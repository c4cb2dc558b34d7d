"""What can happen in a call, one frozen dataclass a kind.

An event is written to the journal as one line (`line`) and folded into the transcript (`replay`). Its `kind`
is the name in the journal and never changes. Fields may be added with a default; none changes its meaning.

Times in events (`…_ms`) are milliseconds on the part's own clock, 0 when its journal was opened.
`None` means not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

SPEAKING_KINDS = frozenset({"standard", "sip", "connector"})
"""Participants of these kinds are people (or phones) who may speak. Source: LiveKit, ParticipantInfo."""

EndReason = Literal["caller_left", "room_closed", "goodbye", "error", "handover", "superseded"]
"""Why a part ended, as written. A part without an end is `crashed`, which only a replay says."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    text: str
    """As the recogniser writes it."""
    start_ms: int | None = None
    """When it began."""
    end_ms: int | None = None
    """When it ended."""
    confidence: float | None = None
    """From 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted:
    """First event of every journal: a job began its part of the room session."""

    kind: ClassVar[str] = "part.started"
    room: str
    """Name of the LiveKit room."""
    room_sid: str
    """Id of the room session."""
    room_created_at: str
    """RFC 3339; the date under which the transcript is stored."""
    job: str
    """Id of the LiveKit job, which names the part."""
    agent: str
    """Name under which the agent is dispatched."""
    agent_identity: str
    """Its identity in the room."""
    dispatch: str = ""
    """Id of the LiveKit dispatch that brought the agent."""
    part: int = 1
    """Number of the part in the room session, from 1."""
    resumed_from: str | None = None
    """Job of the part that this one goes on from."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Version of everything that had a part in the call, by name."""
    settings_digest: str = ""
    """Tells whether two parts ran with the same settings."""
    providers: Mapping[str, str] = field(default_factory=dict)
    """Who listens, thinks and speaks: `stt`, `llm`, `tts` to a name that people understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPrevious:
    """The same caller had a call before, in a room of the same name that has been closed since."""

    kind: ClassVar[str] = "call.previous"
    transcript: str
    """Id of that one's transcript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantJoined:
    """Someone is in the room. Written again when `transcribed` changes; the newest counts."""

    kind: ClassVar[str] = "participant.joined"
    identity: str
    """Names the participant in all other events."""
    name: str = ""
    """What people call them."""
    participant_kind: str = "standard"
    """LiveKit's kind in lower case: standard, sip, connector, agent, ingress, egress."""
    transcribed: bool = True
    """Whether what they say reaches the STT."""
    call: str = ""
    """Id of the phone call, for a participant on a phone."""
    number: str = ""
    """Phone number, as far as it may be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantLeft:
    """Someone is no longer in the room."""

    kind: ClassVar[str] = "participant.left"
    identity: str
    """Whose."""
    reason: str = ""
    """As LiveKit gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpeech:
    """Common to everything that the STT says about a user's words.

    `participant`, `stream` and `turn_order` together name one turn of the recogniser. Without a `turn_order`
    each final stands for itself.
    """

    participant: str
    """Identity."""
    text: str
    """Their words."""
    stream: str | None = None
    """The STT stream: the recogniser counts `turn_order` from 0 in each."""
    turn_order: int | None = None
    """Number of the recogniser's turn in its stream."""
    words: tuple[Word, ...] = ()
    """The words with their times."""
    speaker: str | None = None
    """Label from the recogniser when it tells speakers apart."""
    language: str | None = None
    """Code of the language, such as `en`."""
    confidence: float | None = None
    """From 0 to 1."""
    started_ms: int | None = None
    """When the words began."""
    ended_ms: int | None = None
    """When they ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInterim(UserSpeech):
    """Words so far of a turn that goes on, so that a crash keeps them. Each replaces the one before."""

    kind: ClassVar[str] = "user.interim"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEarly(UserSpeech):
    """An early sign of a turn's end: the text that speculation was given."""

    kind: ClassVar[str] = "user.early"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFinal(UserSpeech):
    """Words that the recogniser will not change again, or a typed message."""

    kind: ClassVar[str] = "user.final"
    formatted: bool = False
    """Punctuated. Of two finals of one turn the formatted one counts."""
    source: Literal["speech", "chat"] = "speech"
    """Spoken, or typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """The agent took the participant's finals since the last `user.turn` as one turn."""

    kind: ClassVar[str] = "user.turn"
    participant: str
    """Identity of who spoke."""
    text: str
    """The turn as the agent got it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRevised:
    """The recogniser's second thoughts on who spoke in a turn."""

    kind: ClassVar[str] = "user.revised"
    participant: str
    """Identity of who spoke."""
    stream: str | None = None
    """The STT stream."""
    turn_order: int | None = None
    """Number of the turn in the stream."""
    speaker: str | None = None
    """The label that counts now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSentence:
    """A piece of an answer that is about to be spoken."""

    kind: ClassVar[str] = "agent.sentence"
    text: str
    """The piece."""
    speech: str | None = None
    """Id of the speech that the piece belongs to."""
    continues: bool = False
    """It goes on where the piece before it stopped, perhaps in the middle of a word; white space is in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHeard:
    """All of a speech that was played so far."""

    kind: ClassVar[str] = "agent.heard"
    text: str
    """What was played of it."""
    speech: str | None = None
    """Id of the speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaid:
    """A speech is over: what was really played, and what was not."""

    kind: ClassVar[str] = "agent.said"
    text: str
    """What was played."""
    speech: str | None = None
    """Id of the speech."""
    interrupted: bool = False
    """It was stopped before its end."""
    unplayed_text: str = ""
    """Generated but not played. Empty with `interrupted`: the rest of the speech's `agent.sentence`s."""
    started_ms: int | None = None
    """When it was first heard."""
    ended_ms: int | None = None
    """When it was last heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChanged:
    """Another agent class goes on with the call."""

    kind: ClassVar[str] = "agent.changed"
    agent: str
    """Name of the class."""
    made_by: str = ""
    """The class as `module:Class`, so that another part can make it again; empty where none can."""
    remembers: bool = True
    """It was given the conversation so far. False: it began with nothing, and knows only what was said to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What the agent must know to go on, as it gave it itself. The newest since the last `agent.changed` counts."""

    kind: ClassVar[str] = "agent.state"
    agent: str
    """Name of the class."""
    state: str
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """The LLM asked for a tool."""

    kind: ClassVar[str] = "tool.called"
    call: str
    """Id that the result repeats."""
    name: str
    """Name of the tool."""
    arguments: str = ""
    """JSON, as the LLM wrote it."""
    speech: str | None = None
    """Id of the speech that it was called in."""
    key: str = ""
    """Idempotency key: the same where a call that a crash cut off is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReturned:
    """A tool gave its result."""

    kind: ClassVar[str] = "tool.returned"
    call: str
    """Id of the call."""
    name: str = ""
    """Name of the tool."""
    output: str = ""
    """What it gave, or why it failed."""
    failed: bool = False
    """It raised an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtmf:
    """A participant pressed a key of their phone."""

    kind: ClassVar[str] = "dtmf"
    participant: str
    """Identity of who pressed it."""
    digit: str
    """0 to 9, `*`, `#`, A to D."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark by the operator's own code."""

    kind: ClassVar[str] = "note"
    text: str
    """The remark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SttOpened:
    """A session with the recogniser began."""

    kind: ClassVar[str] = "stt.opened"
    stream: str
    """Id of the STT stream."""
    session: str = ""
    """The provider's session id."""
    participant: str | None = None
    """Identity of who is listened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SttClosed:
    """A session with the recogniser ended."""

    kind: ClassVar[str] = "stt.closed"
    stream: str
    """Id of the STT stream."""
    session: str = ""
    """The provider's session id."""
    code: int | None = None
    """Close code of the connection."""
    reason: str = ""
    """In the provider's words."""
    billed_seconds: float | None = None
    """What the provider charges for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised:
    """Something failed. `message` is a plain sentence without anything that was said."""

    kind: ClassVar[str] = "error"
    code: str
    """Names the error in the catalogue."""
    message: str = ""
    """What went wrong, and the remedy."""
    source: str = ""
    """stt, llm, tts, room, storage or agent."""
    fatal: bool = False
    """The call could not go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """What the part has used of one model so far: totals, so the newest of a service and model counts."""

    kind: ClassVar[str] = "usage"
    service: str
    """stt, llm or tts."""
    model: str = ""
    """Name of the model."""
    amounts: Mapping[str, int | float] = field(default_factory=dict)
    """Amount by name and unit: `input_tokens`, `output_tokens`, `characters`, `audio_ms` and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLatency:
    """Where one answer's time went."""

    kind: ClassVar[str] = "latency"
    speech: str | None = None
    """Id of the speech that answered."""
    answer_ms: int | None = None
    """End of the user's speech to the first audible answer."""
    stages: Mapping[str, int | float] = field(default_factory=dict)
    """Milliseconds by stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Time in which something said may be missing, or may not be durable.

    One with the same beginning, reason and participant as an earlier one replaces it.
    """

    kind: ClassVar[str] = "gap"
    from_ms: int
    """When it began."""
    reason: str
    """Why, without anything that was said."""
    to_ms: int | None = None
    """Missing: until the part's end."""
    participant: str | None = None
    """Identity, where it concerns one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnded:
    """The part ended in an orderly way. Bookkeeping (`stt.closed`, `usage`) may follow."""

    kind: ClassVar[str] = "part.ended"
    reason: EndReason
    """Why."""
    detail: str = ""
    """In words."""


Event = (
    PartStarted
    | CallPrevious
    | ParticipantJoined
    | ParticipantLeft
    | UserInterim
    | UserEarly
    | UserFinal
    | UserTurn
    | UserRevised
    | AgentSentence
    | AgentHeard
    | AgentSaid
    | AgentChanged
    | AgentState
    | ToolCalled
    | ToolReturned
    | Dtmf
    | Note
    | SttOpened
    | SttClosed
    | ErrorRaised
    | UsageReported
    | TurnLatency
    | Gap
    | PartEnded
)

EVENT_OF_KIND: Mapping[str, type[Event]] = {event.kind: event for event in get_args(Event)}
"""Every event class by its name in the journal."""
