"""When a part goes on with the call before it, and with whom."""

from datetime import timedelta
from pathlib import Path

import pytest

from config import Settings
from tests.storage.left import PREFIX, call, left
from tests.transcript.journals import BEGAN, part
from worker.errand import Errand
from worker.session.closing.ending import Signs, ending
from worker.session.resuming.before import Before, look_back
from worker.session.resuming.memory import Memory, remember
from worker.session.resuming.resumption import SENT_WITHIN_S, goes_on, is_theirs
from worker.transcript.events import EndReason, Event, PartEnded, ParticipantJoined, UserFinal

GRACE_S = 20.0
SAID = UserFinal(participant="ada", text="My name is Ada.")


def memory(reason: EndReason | None, detail: str = "") -> Memory:
    """Of a call of Ada's that ended so one second after it began."""
    events: list[tuple[int, Event]] = [(10, ParticipantJoined(identity="ada")), (20, SAID)]
    found = remember([part(*events, *([(1000, PartEnded(reason=reason, detail=detail))] if reason else []))])
    assert found is not None
    return found


ENDED = BEGAN + timedelta(seconds=1)
SOON, LATE = ENDED + timedelta(seconds=5), ENDED + timedelta(seconds=GRACE_S + SENT_WITHIN_S + 1)

CASES = [
    (None, SOON, True),
    (None, LATE, True),
    ("handover", SOON, True),
    ("superseded", SOON, True),
    ("caller_left", SOON, True),
    ("caller_left", LATE, False),
    ("goodbye", SOON, False),
    ("room_closed", SOON, False),
]


@pytest.mark.parametrize(("reason", "now", "goes"), CASES)
def test_whether_a_call_goes_on_is_decided_by_how_and_when_it_ended(
    reason: EndReason | None, now: object, goes: bool
) -> None:
    assert goes_on(memory(reason), now, GRACE_S) is goes  # type: ignore[arg-type]


def test_a_call_whose_agent_lost_the_room_goes_on_and_one_whose_room_ended_does_not() -> None:
    lost = ending(Signs(room_ended="signal_close"))
    over = ending(Signs(room_ended="room_deleted"))
    assert (lost.reason, over.reason) == ("room_closed", "room_closed")
    assert goes_on(memory(lost.reason, lost.detail), SOON, GRACE_S)
    assert not goes_on(memory(over.reason, over.detail), SOON, GRACE_S)


def test_without_a_grace_who_comes_back_is_a_new_caller() -> None:
    assert not goes_on(memory("caller_left"), SOON, 0)
    assert goes_on(memory(None), SOON, 0)


def test_another_one_in_the_room_is_told_nothing() -> None:
    assert is_theirs(memory(None), "ada", None, GRACE_S)
    assert not is_theirs(memory(None), "bob", None, GRACE_S)


def test_who_is_away_for_a_moment_is_waited_for() -> None:
    assert is_theirs(memory(None), "", None, GRACE_S)


def test_who_comes_back_after_the_grace_is_a_new_caller() -> None:
    left_it = memory("caller_left")
    assert is_theirs(left_it, "ada", ENDED + timedelta(seconds=GRACE_S), GRACE_S)
    assert not is_theirs(left_it, "ada", ENDED + timedelta(seconds=GRACE_S + 1), GRACE_S)
    assert is_theirs(memory(None), "ada", ENDED + timedelta(seconds=GRACE_S + 1), GRACE_S)


def settings(directory: Path) -> Settings:
    storage = {"url": (directory / "stored").as_uri(), "journal_dir": str(directory / "journals")}
    return Settings.model_validate({"storage": storage})


async def before(directory: Path, sent_for: Errand = Errand()) -> Before:  # noqa: B008 - frozen
    chosen = settings(directory)
    return await look_back(chosen, "RM_1-verbatim", f"{PREFIX}/RM_1-verbatim", BEGAN, sent_for)


async def test_a_new_call_is_part_one(tmp_path: Path) -> None:
    assert await before(tmp_path) == Before(1)


async def test_a_part_after_a_crash_has_the_next_number_and_knows_the_one_before(tmp_path: Path) -> None:
    left(tmp_path / "journals", call(ends=False))
    found = await before(tmp_path, Errand(resume_of="AJ_1"))
    assert (found.part, found.resumed_from) == (2, "AJ_1")
    assert found.memory is not None and found.memory.transcript.turns[0].text == "words 1"


async def test_a_dispatch_without_our_word_is_known_by_its_room(tmp_path: Path) -> None:
    left(tmp_path / "journals", call(ends=False))
    assert (await before(tmp_path)).resumed_from == "AJ_1"


async def test_where_nothing_is_left_of_the_call_the_number_says_that_a_part_is_missing(tmp_path: Path) -> None:
    assert await before(tmp_path, Errand(resume_of="AJ_1")) == Before(2, None, "AJ_1")


async def test_lines_that_tell_of_no_call_keep_no_caller_from_an_agent(tmp_path: Path) -> None:
    left(tmp_path / "journals", b"not a line\n")
    assert await before(tmp_path) == Before(1)
