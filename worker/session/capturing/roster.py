"""Who is in the room, and whom of them the session listens to."""

from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice.room_io.types import DEFAULT_CLOSE_ON_DISCONNECT_REASONS

from worker.session.conversation.phone import Policy, phone_of, shown
from worker.speech.recorder import Recorder
from worker.transcript.events import Dtmf, ParticipantJoined, ParticipantLeft

SPEAKING_KINDS = {
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD: "standard",
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR: "connector",
}
"""Kinds of participant whom the framework's RoomIO links to (room_io/types.py, participant_kinds)."""


NO_PHONE_CALL = (rtc.DisconnectReason.USER_UNAVAILABLE, rtc.DisconnectReason.SIP_TRUNK_FAILURE)
"""How a phone leaves that was never reached. It does not come back, but the framework's session waits for it."""


class Roster:
    """Journals participants coming and going, and the keys that they press on their phones.

    One participant is transcribed: the first of a speaking kind, as in the framework's RoomIO. It
    stays theirs while they are away, for the session takes them back under the same identity.
    """

    def __init__(self, room: rtc.Room, recorder: Recorder, phone_numbers: Policy = "mask") -> None:
        self._room = room
        self._recorder = recorder
        self._phone_numbers = phone_numbers
        self._names: dict[str, str] = {}
        """What is written down as identity, by the identity of those on a phone."""
        self.expected: str | None = None
        """Identity of who is transcribed if they are there; without one, and without them, it is the first."""
        self.keys_are_heard = True
        """Whether pressed keys are journaled here; not while another agent's journal has them."""
        self.when_on_phone: Callable[[], None] = lambda: None
        """Called when the one who is transcribed is on a phone."""
        self.picked_up = True
        """Whether the phone of the one who is transcribed was picked up; others are there when they join."""
        self.expected = ""
        """Who was listened to before, as written down: of several who are there it is they."""
        self.transcribed = ""
        """Identity of the participant who is transcribed; empty while nobody came."""
        self.left: str | None = None
        """How the transcribed participant left (disconnect reason, lower case); None while present."""
        self.hung_up = False
        """Whether they left for good: the session closes then."""
        self.never_reached = False
        """Whether they left as a phone that could not be called: then the framework leaves the session open."""

    def watch(self) -> None:
        """Journal who is there, and from now on who comes and goes and which keys they press."""
        self._room.on("participant_connected", self._joined)
        self._room.on("participant_disconnected", self._left)
        self._room.on("sip_dtmf_received", self._pressed)
        self._room.on("participant_attributes_changed", self._attributes_changed)
        present = list(self._room.remote_participants.values())
        for participant in sorted(present, key=lambda each: self._identity(each) != self.expected):
            self._joined(participant)

    def _joined(self, participant: rtc.RemoteParticipant) -> None:
        kind = SPEAKING_KINDS.get(participant.kind)
        if kind is not None and not self.transcribed:
            self.transcribed = participant.identity
        transcribed = participant.identity == self.transcribed
        phone = phone_of(participant.attributes) if kind == "sip" else None
        if transcribed:
            self.left, self.hung_up = None, False
            self.picked_up = phone is None or phone.is_picked_up
        self._recorder.append(
            ParticipantJoined(
                identity=self._identity(participant),
                name=participant.name if phone is None else shown(participant.name, self._phone_numbers),
                participant_kind=kind or rtc.ParticipantKind.Name(participant.kind).rpartition("_")[2].lower(),
                transcribed=transcribed,
                call="" if phone is None else phone.call,
                number="" if phone is None else shown(phone.number, self._phone_numbers),
            )
        )
        if transcribed and phone is not None:
            self.when_on_phone()

    def _attributes_changed(self, _: object, participant: rtc.Participant) -> None:
        if participant.identity == self.transcribed and phone_of(participant.attributes).is_picked_up:
            self.picked_up = True

    @property
    def caller(self) -> str:
        """Who is transcribed, as it is written down; empty while nobody came."""
        return self._names.get(self.transcribed, self.transcribed)

    def _identity(self, participant: rtc.RemoteParticipant) -> str:
        """What is written down as the participant's identity, the same whenever they come back."""
        identity = participant.identity
        if identity in self._names or SPEAKING_KINDS.get(participant.kind) != "sip":
            return self._names.get(identity, identity)
        name = shown(identity, self._phone_numbers).strip("_- ") or "phone"
        others = sum(each.rpartition("#")[0] == name or each == name for each in self._names.values())
        self._names[identity] = f"{name}#{others + 1}" if others else name
        return self._names[identity]

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        how = disconnect_reason(participant.disconnect_reason)
        if participant.identity == self.transcribed:
            self.left = how
            self.never_reached = participant.disconnect_reason in NO_PHONE_CALL
            self.hung_up = self.never_reached or participant.disconnect_reason in DEFAULT_CLOSE_ON_DISCONNECT_REASONS
        self._recorder.append(ParticipantLeft(identity=self._identity(participant), reason=how))

    def _pressed(self, key: rtc.SipDTMF) -> None:
        if not self.keys_are_heard:
            return
        # The room client knows no sender who has left in the meantime.
        identity = self._identity(key.participant) if key.participant is not None else self.caller
        self._recorder.append(Dtmf(participant=identity, digit=key.digit))


def disconnect_reason(reason: "rtc.DisconnectReason.ValueType | None") -> str:
    """LiveKit's disconnect reason in lower case, `unknown_reason` without one."""
    return rtc.DisconnectReason.Name(reason or rtc.DisconnectReason.UNKNOWN_REASON).lower()
