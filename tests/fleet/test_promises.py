"""A table of situations in a room, and what the watcher does about each."""

import pytest

from worker import errand
from worker.errand import Errand
from worker.fleet.presence import Presence
from worker.fleet.promises import (
    JOINING_S,
    MOST_DEATHS,
    RETRY_S,
    TOLD_S,
    WINDOW_S,
    Again,
    Cause,
    Counts,
    Dispatch,
    Hopeless,
    Kept,
    Verdict,
    Wait,
    follow,
    is_worth_a_look,
    judge,
)

NOW = 1_800_000_000.0
WAITING = Presence(people=["ada"])
SERVED = Presence(people=["ada"], agents=["agent-verbatim-1"])
PLAIN = '{"tenant": 7}'


def unserved(age_s: float, name: str = "AD_1", metadata: str = PLAIN) -> Dispatch:
    """A dispatch that no worker took."""
    return Dispatch(name, NOW - age_s, metadata)


def served(age_s: float, name: str = "AD_1", metadata: str = PLAIN, job: str = "AJ_1") -> Dispatch:
    """A dispatch that a worker took at once."""
    return Dispatch(name, NOW - age_s, metadata, job, NOW - age_s)


def back(of: str, part: int = 1) -> str:
    return errand.write(PLAIN, Errand(part=part, resume_of=of))


LONG_AGO = 3600.0

SITUATIONS: dict[str, tuple[Presence, list[Dispatch], Verdict]] = {
    "an agent is there": (SERVED, [served(LONG_AGO)], Kept()),
    "an agent is there that another dispatch brought": (SERVED, [unserved(LONG_AGO)], Kept()),
    "nobody is there": (Presence(), [unserved(LONG_AGO)], Kept()),
    "nobody was promised anything, or the agent has said goodbye": (WAITING, [], Kept()),
    "the dispatch was just made": (WAITING, [unserved(RETRY_S - 0.1)], Wait()),
    "no worker had room": (
        WAITING, [unserved(RETRY_S)], Again(Cause.NO_ROOM, PLAIN, ["AD_1"]),
    ),
    "again no worker had room, and the first could not be deleted": (
        WAITING, [unserved(LONG_AGO), unserved(RETRY_S, "AD_2")], Again(Cause.NO_ROOM, PLAIN, ["AD_1", "AD_2"]),
    ),
    "the agent is on its way": (WAITING, [served(JOINING_S - 0.1)], Wait()),
    "the agent is on its way, and another dispatch had no room": (
        WAITING, [served(JOINING_S - 0.1), unserved(RETRY_S, "AD_2")], Wait(),
    ),
    "the agent never came": (WAITING, [served(JOINING_S)], Again(Cause.LOST, back("AJ_1"), [], 1)),
    "the agent died in a long call": (WAITING, [served(LONG_AGO)], Again(Cause.LOST, back("AJ_1"), [], 0)),
    "the agent that took over died": (
        WAITING,
        [served(LONG_AGO), served(1800, "AD_2", back("AJ_1", part=2), "AJ_2")],
        Again(Cause.LOST, back("AJ_2", part=2), [], 0),
    ),
    "it died, and no worker has room for another": (
        WAITING,
        [served(LONG_AGO), unserved(RETRY_S, "AD_2", back("AJ_1"))],
        Again(Cause.NO_ROOM, back("AJ_1"), ["AD_2"], 0),
    ),
    "it died, and somebody dispatched another by hand, for which no worker had room": (
        WAITING,
        [served(LONG_AGO), unserved(RETRY_S, "AD_2")],
        Again(Cause.NO_ROOM, back("AJ_1"), ["AD_2"], 0),
    ),
    "the second died too, a moment ago": (
        WAITING, [served(200), served(2 * JOINING_S - 0.1, "AD_2", back("AJ_1"), "AJ_2")], Wait(),
    ),
    "the second died too": (
        WAITING,
        [served(200), served(2 * JOINING_S, "AD_2", back("AJ_1"), "AJ_2")],
        Again(Cause.LOST, back("AJ_2"), [], 2),
    ),
    "three died in five minutes": (
        WAITING,
        [served(WINDOW_S - 1), served(200, "AD_2", back("AJ_1"), "AJ_2"), served(100, "AD_3", back("AJ_2"), "AJ_3")],
        Hopeless(MOST_DEATHS),
    ),
    "the first of three is long dead": (
        WAITING,
        [served(WINDOW_S), served(200, "AD_2", back("AJ_1"), "AJ_2"), served(100, "AD_3", back("AJ_2"), "AJ_3")],
        Again(Cause.LOST, back("AJ_3"), [], 2),
    ),
    "three died, and somebody dispatched another by hand, for which no worker had room": (
        WAITING,
        [*(served(250 - age, f"AD_{age}", PLAIN, f"AJ_{age}") for age in range(3)), unserved(RETRY_S, "AD_9")],
        Again(Cause.NO_ROOM, back("AJ_2"), ["AD_9"], 3),
    ),
    "the server's clock is ahead": (WAITING, [unserved(-30)], Wait()),
}  # fmt: skip


@pytest.mark.parametrize("what", SITUATIONS)
def test_situation(what: str) -> None:
    present, dispatches, expected = SITUATIONS[what]
    assert judge(present, dispatches, NOW) == expected
    assert judge(present, dispatches[::-1], NOW) in (expected, _reversed(expected))


def _reversed(verdict: Verdict) -> Verdict:
    if isinstance(verdict, Again):
        return Again(verdict.cause, verdict.metadata, verdict.replaced[::-1], verdict.deaths)
    return verdict


def test_one_that_comes_back_has_the_identity_of_the_one_that_died_and_knows_whose_call_it_is() -> None:
    found = judge(WAITING, [served(LONG_AGO, metadata=errand.write(PLAIN, Errand(part=3, identity="ada")))], NOW)
    assert isinstance(found, Again)
    assert errand.read(found.metadata) == Errand(part=3, resume_of="AJ_1", identity="ada")
    assert errand.own(found.metadata) == PLAIN


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, Counts(1, 2), True),  # not seen yet
        (Counts(1, 2), Counts(1, 2), False),  # a caller and an agent, both heard
        (Counts(1, 2), Counts(1, 1), True),  # one of them is gone
        (Counts(1, 1), Counts(1, 1), True),  # and still is
        (Counts(1, 1), Counts(1, 0), True),  # a caller who only listens, and no agent
        (Counts(3, 4), Counts(3, 4), False),
        (Counts(3, 4), Counts(3, 3), True),
        (Counts(0, 0), Counts(0, 0), True),  # somebody may have come who is not counted yet
        (Counts(0, 1), Counts(0, 1), False),  # the people have left
    ],
)
def test_only_rooms_in_which_an_agent_may_be_missing_are_looked_at(
    before: Counts | None, now: Counts, expected: bool
) -> None:
    assert is_worth_a_look(before, now) is expected


RESUMING = errand.write(PLAIN, Errand(resume_of="AJ_1"))

AFTER_A_DEATH: dict[str, tuple[list[Dispatch], Verdict]] = {
    "nobody knows of it yet": ([served(60)], Again(Cause.LOST, RESUMING, deaths=1)),
    "it died on its way": ([served(0.5)], Again(Cause.LOST, RESUMING, deaths=1)),
    "the watcher has sent another, which no worker has taken yet": (
        [served(60), unserved(0.1, "AD_2", RESUMING)], Kept(),
    ),
    "another is there": ([served(60), served(0.1, "AD_2", RESUMING, "AJ_2")], Kept()),
    "another had been sent while it was there, and was refused": (
        [served(60), unserved(JOINING_S, "AD_2")], Again(Cause.LOST, RESUMING, deaths=1),
    ),
    "another was sent by somebody who knows of no death": ([served(60), served(5, "AD_2", job="AJ_2")], Kept()),
    "the server does not list the job yet": ([unserved(2)], Again(Cause.LOST, RESUMING, deaths=1)),
    "one before it had died": (
        [served(90, "AD_0", job="AJ_0"), served(60, metadata=errand.write(PLAIN, Errand(resume_of="AJ_0")))],
        Again(Cause.LOST, RESUMING, deaths=2),
    ),
    "agents keep dying": (
        [served(90 - age, f"AD_{age}", job=f"AJ_{age}") for age in range(9, 9 - MOST_DEATHS, -1)] + [served(1)],
        Hopeless(MOST_DEATHS + 1),
    ),
    "the agent has said goodbye, and taken its dispatch back": ([], Kept()),
    "its node died, and the promise that was made anew found no worker": (
        [unserved(TOLD_S, "AD_9")], Again(Cause.LOST, RESUMING, deaths=1),
    ),
    "its node died, and the promise that was made anew is being answered": ([unserved(1, "AD_9")], Wait()),
    "its dispatch is gone, and another's is there": ([served(60, "AD_9", job="AJ_9")], Kept()),
}  # fmt: skip


@pytest.mark.parametrize("situation", AFTER_A_DEATH)
def test_what_is_done_by_the_worker_whose_job_died(situation: str) -> None:
    dispatches, verdict = AFTER_A_DEATH[situation]
    assert follow("AJ_1", "AD_1", dispatches, NOW, died=True) == verdict


def test_where_a_dispatch_was_taken_back_none_is_made_for_the_caller_who_comes_back() -> None:
    assert follow("AJ_1", "AD_1", [unserved(60, "AD_9")], NOW, died=False) == Kept()


def test_a_caller_who_comes_back_for_the_fourth_time_is_no_series_of_deaths() -> None:
    before = [served(90 - age, f"AD_{age}", job=f"AJ_{age}") for age in range(9, 9 - MOST_DEATHS, -1)]
    assert follow("AJ_1", "AD_1", [*before, served(1)], NOW, died=False) == Again(Cause.RETURNED, RESUMING)


def test_worker_and_watcher_do_not_both_act_on_one_death() -> None:
    """The worker acts first, and the watcher waits for its agent."""
    died = served(60)
    sent = served(0.1, "AD_2", RESUMING, "AJ_2")
    assert judge(WAITING, [died, sent], NOW) == Wait()
    assert follow("AJ_1", "AD_1", [died, sent], NOW, died=True) == Kept()
