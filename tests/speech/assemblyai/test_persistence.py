"""When there is another attempt, and when none."""

import pytest

from worker.speech.assemblyai.decisions import Decision, closed, refused
from worker.speech.assemblyai.patience import Patience
from worker.speech.assemblyai.persistence import Persistence

PATIENCE = Patience()
NETWORK = closed(1006)


def waits(persistence: Persistence, decision: Decision, times: int) -> list[float | None]:
    """What is waited after each of so many failures in a row, time passing as it is waited."""
    now, answers = 0.0, list[float | None]()
    for _ in range(times):
        answer = persistence.wait(decision, now)
        answers.append(answer)
        now += answer or 0.0
    return answers


def test_after_a_drop_there_is_another_attempt_at_once_and_then_at_growing_distances() -> None:
    assert waits(Persistence(PATIENCE, lambda: 1.0), NETWORK, 8) == [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_calls_of_a_worker_do_not_come_back_together() -> None:
    assert waits(Persistence(PATIENCE, lambda: 0.0), NETWORK, 4) == [0.0, 0.125, 0.25, 0.5]


def test_a_provider_that_is_busy_is_left_alone_from_the_first_time() -> None:
    assert waits(Persistence(PATIENCE, lambda: 1.0), closed(3009), 4) == [1.0, 2.0, 4.0, 5.0]


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_provider_is_never_asked_earlier_than_it_wants(chance: float) -> None:
    wait = Persistence(PATIENCE, lambda: chance).wait(refused(429, "20"), 0.0)
    assert wait is not None
    assert 20.0 <= wait <= 20.5


def test_a_provider_that_wants_more_time_than_a_caller_has_is_given_up() -> None:
    assert Persistence(PATIENCE).wait(refused(429, "61"), 0.0) is None


def test_what_would_be_refused_again_is_not_tried_again() -> None:
    assert Persistence(PATIENCE).wait(refused(401), 0.0) is None


def test_an_outage_is_given_up_after_a_minute() -> None:
    persistence = Persistence(PATIENCE)
    assert persistence.wait(NETWORK, 0.0) is not None
    assert persistence.wait(NETWORK, 50.0) is not None
    assert persistence.wait(NETWORK, 61.0) is None


def test_failures_count_from_when_the_recogniser_last_worked() -> None:
    persistence = Persistence(PATIENCE, lambda: 1.0)
    waits(persistence, NETWORK, 5)
    persistence.recovered()
    assert persistence.wait(NETWORK, 1000.0) == 0.1


def test_what_is_done_differently_is_tried_once() -> None:
    persistence = Persistence(PATIENCE)
    assert persistence.wait(closed(3007), 0.0) is not None
    assert persistence.wait(closed(3007), 1.0) is None
    persistence.recovered()
    assert persistence.wait(closed(3007), 2.0) is not None
