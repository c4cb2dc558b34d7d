"""A transcript says when its agent could hear nobody, because the room could not be reached."""

from typing import cast

import pytest
from livekit import rtc

from tests.speech.memory_recorder import MemoryRecorder
from worker.session.capturing.cut_off import BRIEF_MS, REASON, CutOff
from worker.session.capturing.recorder import CallRecorder
from worker.transcript.events import Gap


class Recorder(MemoryRecorder):
    """One whose clock the test sets."""

    now_ms = 5000

    def ms_at(self, wall_clock: float) -> int:
        return self.now_ms


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def room(recorder: Recorder) -> "rtc.EventEmitter[str]":
    room: rtc.EventEmitter[str] = rtc.EventEmitter()
    CutOff(cast("rtc.Room", room), cast("CallRecorder", recorder))
    return room


def test_from_the_loss_of_the_connection_to_its_return(room: "rtc.EventEmitter[str]", recorder: Recorder) -> None:
    room.emit("reconnecting")
    recorder.now_ms += 4000
    room.emit("reconnecting")
    recorder.now_ms += 2000
    room.emit("reconnected")
    assert recorder.of(Gap) == [Gap(from_ms=5000, to_ms=11_000, reason=REASON)]


def test_a_connection_that_is_resumed_at_once_costs_nothing(room: "rtc.EventEmitter[str]", recorder: Recorder) -> None:
    room.emit("reconnecting")
    recorder.now_ms += BRIEF_MS
    room.emit("reconnected")
    assert recorder.of(Gap) == []


def test_a_connection_that_does_not_come_back_leaves_a_gap_to_the_end(
    room: "rtc.EventEmitter[str]", recorder: Recorder
) -> None:
    room.emit("reconnecting")
    room.emit("disconnected", rtc.DisconnectReason.SIGNAL_CLOSE)
    assert recorder.of(Gap) == [Gap(from_ms=5000, reason=REASON)]


def test_a_room_that_ends_leaves_none(room: "rtc.EventEmitter[str]", recorder: Recorder) -> None:
    room.emit("disconnected", rtc.DisconnectReason.ROOM_DELETED)
    assert recorder.of(Gap) == []
