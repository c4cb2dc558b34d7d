"""Whatever kills a call, its transcript is stored with every accepted word, without a person doing anything."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.faults.harm import Harm
from tests.faults.matrix import run_matrix
from tests.faults.outcome import Outcome
from tests.rooms.surroundings import Stored, Surroundings

CRASHED = (1, "crashed", False)
EXPECTED = {
    Harm.TERMINATE_GROUP: [(1, "caller_left", True)],
    Harm.SYS_EXIT: [(1, "error", True), (1, "error", False)],
}
"""What a transcript says of its end: that the call crashed, unless it ended in order, or the worker saw it coming."""


@pytest.mark.slow
async def test_nothing_is_lost_in_three_of_each_kind(
    surroundings: Surroundings, seed: int, outcomes_shown: list[Outcome]
) -> None:
    outcome = await run_matrix(surroundings, 3, seed)
    outcomes_shown.append(outcome)
    check(outcome)


@pytest.mark.soak
async def test_nothing_is_lost_in_many_of_each_kind(
    surroundings: Surroundings,
    count: int,
    seed: int,
    outcomes_shown: list[Outcome],
    record_property: Callable[[str, object], None],
) -> None:
    outcome = await run_matrix(surroundings, count, seed)
    outcomes_shown.append(outcome)
    record_property("seed", seed)
    for harm in Harm:
        record_property(harm, asdict(outcome.row(harm)))
    check(outcome)


def check(outcome: Outcome) -> None:
    seed = f"seed {outcome.seed}"
    assert [each.ended.room for each in outcome.struck if each.ended.stored is None] == [], seed
    wrong = [(each.ended.room, each.verdict) for each in outcome.struck if not each.verdict.clean]
    assert wrong == [], seed
    assert outcome.unowned == (), seed
    assert outcome.left == [], seed
    told = [(each.ended.room, each.ended.harm, end_of(each.ended.stored)) for each in outcome.struck]
    assert [each for each in told if each[-1] not in EXPECTED.get(each[1], [CRASHED])] == [], seed
    for harm in Harm:
        assert outcome.row(harm).required > 0, harm


def end_of(stored: Stored | None) -> tuple[int, str, bool] | None:
    """How many parts a transcript has, why it says that the call ended, and whether it says that it is complete."""
    if stored is None:
        return None
    transcript = stored.transcript
    return len(transcript.parts), transcript.ended.reason, transcript.complete
