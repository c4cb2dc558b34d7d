"""Whatever kills a call, its transcript is stored with every accepted word, without a person doing anything."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.faults.harm import Harm
from tests.faults.matrix import run_matrix
from tests.faults.outcome import Outcome, Struck
from tests.rooms.surroundings import Surroundings

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
    wrong = [(each.ended.harm, each.ended.stored.directory, each.verdict) for each in outcome.struck]
    assert [each for each in wrong if not each[-1].clean] == [], f"seed {outcome.seed}"
    assert outcome.unowned == ()
    assert outcome.left == []
    told = [(each.ended.harm, end_of(each)) for each in outcome.struck]
    assert [each for each in told if each[1] not in EXPECTED.get(each[0], [CRASHED])] == []
    for harm in Harm:
        assert sum(each.verdict.required for each in outcome.of(harm)) > 0, harm


def end_of(struck: Struck) -> tuple[int, str, bool]:
    """How many parts the transcript has, why it says that the call ended, and whether it says that it is complete."""
    transcript = struck.ended.stored.transcript
    return len(transcript.parts), transcript.ended.reason, transcript.complete
