"""Whether a call is taken, by what is known of the worker and of the call."""

from dataclasses import replace

import pytest

from worker.fleet.admission import (
    CALL_BYTES,
    Limits,
    Memory,
    Reason,
    Situation,
    default_max_sessions,
    load,
    refusal,
)

GIGABYTE = 1_000_000_000
LIMITS = Limits(4, max_memory_percent=90, max_loop_lag_ms=250, daily_budget_minutes=60, max_calls_per_identity=2)
WELL = Situation(sessions=0, memory=Memory(2 * GIGABYTE, GIGABYTE))

NO_MEMORY = replace(WELL, memory=Memory(2 * GIGABYTE, 1_750_000_000))
LATE = replace(WELL, loop_lag_ms=251)
FULL = replace(WELL, sessions=4)
UNWRITABLE = replace(WELL, trouble="the disk is full")
DRAINING = replace(WELL, draining=True)
SPENT = replace(WELL, minutes_today=60)


def reason(now: Situation, limits: Limits = LIMITS, **call: object) -> Reason | None:
    found = refusal(now, limits, **call)  # type: ignore[arg-type]
    return found.reason if found is not None else None


def test_a_worker_that_is_well_and_has_room_takes_a_call() -> None:
    assert reason(WELL) is None
    assert reason(replace(WELL, sessions=3)) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (FULL, Reason.FULL),
        (NO_MEMORY, Reason.MEMORY),
        (LATE, Reason.BUSY),
        (UNWRITABLE, Reason.STORAGE),
        (DRAINING, Reason.DRAINING),
    ],
)
def test_what_the_worker_lacks_is_the_reason_for_new_calls_and_for_those_that_go_on(
    now: Situation, expected: Reason
) -> None:
    assert reason(now) is expected
    assert reason(now, resumes=True) is expected


@pytest.mark.parametrize(
    ("now", "call", "expected"),
    [
        (SPENT, {}, Reason.BUDGET),
        (WELL, {"caller": "ada", "calls": {"ada": 2}}, Reason.CALLER),
        (WELL, {"agents": 1}, Reason.OCCUPIED),
    ],
)
def test_what_is_against_a_new_call_is_nothing_against_one_that_goes_on(
    now: Situation, call: dict[str, object], expected: Reason
) -> None:
    assert reason(now, **call) is expected
    assert reason(now, resumes=True, **call) is None


@pytest.mark.parametrize(
    "call",
    [
        {"caller": "ada", "calls": {"ada": 1}},
        {"caller": "ada", "calls": {"bob": 9}},
        {"caller": None, "calls": {"ada": 9}},
    ],
)
def test_a_caller_with_fewer_calls_than_are_allowed_or_who_is_not_known_is_taken(call: dict[str, object]) -> None:
    assert reason(WELL, **call) is None


def test_limits_of_0_are_none() -> None:
    none = replace(LIMITS, daily_budget_minutes=0, max_calls_per_identity=0)
    assert reason(replace(WELL, minutes_today=1e6), none, caller="ada", calls={"ada": 99}) is None


def test_memory_is_short_when_one_more_call_would_pass_the_mark() -> None:
    mark = 1_800_000_000
    assert reason(replace(WELL, memory=Memory(2 * GIGABYTE, mark - CALL_BYTES))) is None
    assert reason(replace(WELL, memory=Memory(2 * GIGABYTE, mark - CALL_BYTES + 1))) is Reason.MEMORY
    large = replace(WELL, memory=Memory(2 * GIGABYTE, mark - CALL_BYTES), call_bytes=CALL_BYTES + 1)
    assert reason(large) is Reason.MEMORY
    assert reason(replace(WELL, memory=None)) is None


def test_every_refusal_says_what_can_be_done() -> None:
    for now, setting in ((FULL, "fleet.max_sessions"), (NO_MEMORY, "more memory"), (LATE, "cores"), (SPENT, "budget")):
        found = refusal(now, LIMITS)
        assert found is not None and setting in found.sentence


@pytest.mark.parametrize("most", [1, 3, 12, 1000])
def test_the_load_crosses_the_server_s_target_exactly_when_the_worker_is_full(most: int) -> None:
    for sessions in {0, 1, most // 2, most - 1, most, most + 1}:
        told = load(Situation(sessions), Limits(most))
        assert (told > 0.7) == (sessions >= most)
        assert 0 <= told <= 1


@pytest.mark.parametrize("now", [NO_MEMORY, LATE, UNWRITABLE])
def test_a_worker_that_lacks_something_tells_the_highest_load(now: Situation) -> None:
    assert load(now, LIMITS) == 1.0


def test_a_worker_whose_budget_is_spent_is_still_offered_calls_that_go_on() -> None:
    assert load(SPENT, LIMITS) == 0.0


@pytest.mark.parametrize(
    ("cores", "memory", "calls"),
    [(1, 8 * GIGABYTE, 4), (2, 8 * GIGABYTE, 8), (0.5, 8 * GIGABYTE, 2), (8, GIGABYTE, 6), (0.1, GIGABYTE // 4, 1)],
)
def test_a_worker_holds_what_cores_and_memory_allow_and_always_one(cores: float, memory: int, calls: int) -> None:
    assert default_max_sessions(cores, memory) == calls
