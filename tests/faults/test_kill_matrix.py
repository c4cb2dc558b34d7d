"""Whatever kills a call, its transcript is stored with every accepted word, without a person doing anything."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.faults.harm import Harm
from tests.faults.matrix import run_matrix
from tests.faults.outcome import Outcome
from tests.rooms.surroundings import Surroundings

ORDERLY = (Harm.TERMINATE_GROUP,)
"""After these a call ends by itself; after the others its transcript must say that it did not."""


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
    wrong = [(str(each.ended.stored.directory), each.verdict) for each in outcome.struck if not each.verdict.clean]
    assert not wrong, f"seed {outcome.seed}"
    assert outcome.unowned == ()
    assert outcome.left == []
    for each in outcome.struck:
        transcript = each.ended.stored.transcript
        assert len(transcript.parts) == 1, transcript.transcript_id
        assert transcript.complete is (each.ended.harm in ORDERLY), transcript.transcript_id
    for harm in Harm:
        assert sum(each.verdict.required for each in outcome.of(harm)) > 0, harm
