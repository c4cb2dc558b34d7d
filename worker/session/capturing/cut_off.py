"""Time in which the agent had no connection to its room, so that nobody was heard: the transcript says so.

The room client tries again by itself, for about a minute, and the call goes on when it gets through.
"""

import time
from typing import Final

from livekit import rtc

from worker.session.capturing.recorder import CallRecorder
from worker.transcript.events import Gap

BRIEF_MS: Final = 1000
"""A connection that is back within this was resumed, and its audio never stopped (LiveKit, "Reconnecting")."""

REASON: Final = "the connection to the room was lost, so that nobody was heard"


class CutOff:
    """Journals such times of one room, from now on."""

    def __init__(self, room: rtc.Room, recorder: CallRecorder) -> None:
        self._recorder = recorder
        self._since_ms: int | None = None
        room.on("reconnecting", self._lost)
        room.on("reconnected", self._back)
        room.on("disconnected", self._gone)

    def _lost(self) -> None:
        if self._since_ms is None:
            self._since_ms = self._recorder.ms_at(time.time())

    def _back(self) -> None:
        since_ms, self._since_ms = self._since_ms, None
        now_ms = self._recorder.ms_at(time.time())
        if since_ms is not None and now_ms - since_ms > BRIEF_MS:
            self._recorder.append(Gap(from_ms=since_ms, to_ms=now_ms, reason=REASON))

    def _gone(self, _: object = None) -> None:
        since_ms, self._since_ms = self._since_ms, None
        if since_ms is not None:
            self._recorder.append(Gap(from_ms=since_ms, reason=REASON))
