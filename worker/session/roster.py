"""Who is in the room, and whom of them the session listens to."""

from livekit import rtc
from livekit.agents.voice.room_io.types import DEFAULT_CLOSE_ON_DISCONNECT_REASONS

from worker.speech.recorder import Recorder
from worker.transcript.events import Dtmf, ParticipantJoined, ParticipantLeft

SPEAKING_KINDS = {
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD: "standard",
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR: "connector",
}
"""Kinds of participant whom the framework's RoomIO links to (room_io/types.py, participant_kinds)."""


class Roster:
    """Journals participants coming and going, and the keys that they press on their phones.

    One participant is transcribed: the first of a speaking kind, as in the framework's RoomIO. It
    stays theirs while they are away, for the session takes them back under the same identity.
    """

    def __init__(self, room: rtc.Room, recorder: Recorder) -> None:
        self._room = room
        self._recorder = recorder
        self.transcribed = ""
        """Identity of the participant who is transcribed; empty while nobody came."""
        self.left: str | None = None
        """How the transcribed participant left (disconnect reason, lower case); None while present."""
        self.hung_up = False
        """Whether they left for good: the session closes then."""

    def watch(self) -> None:
        """Journal who is there, and from now on who comes and goes and which keys they press."""
        self._room.on("participant_connected", self._joined)
        self._room.on("participant_disconnected", self._left)
        self._room.on("sip_dtmf_received", self._pressed)
        for participant in self._room.remote_participants.values():
            self._joined(participant)

    def _joined(self, participant: rtc.RemoteParticipant) -> None:
        kind = SPEAKING_KINDS.get(participant.kind)
        if kind is not None and not self.transcribed:
            self.transcribed = participant.identity
        transcribed = participant.identity == self.transcribed
        if transcribed:
            self.left, self.hung_up = None, False
        self._recorder.append(
            ParticipantJoined(
                identity=participant.identity,
                name=participant.name,
                participant_kind=kind or rtc.ParticipantKind.Name(participant.kind).rpartition("_")[2].lower(),
                transcribed=transcribed,
            )
        )

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        how = disconnect_reason(participant.disconnect_reason)
        if participant.identity == self.transcribed:
            self.left = how
            self.hung_up = participant.disconnect_reason in DEFAULT_CLOSE_ON_DISCONNECT_REASONS
        self._recorder.append(ParticipantLeft(identity=participant.identity, reason=how))

    def _pressed(self, key: rtc.SipDTMF) -> None:
        # The room client knows no sender who has left in the meantime.
        identity = key.participant.identity if key.participant is not None else self.transcribed
        self._recorder.append(Dtmf(participant=identity, digit=key.digit))


def disconnect_reason(reason: "rtc.DisconnectReason.ValueType | None") -> str:
    """LiveKit's disconnect reason in lower case, `unknown_reason` without one."""
    return rtc.DisconnectReason.Name(reason or rtc.DisconnectReason.UNKNOWN_REASON).lower()
