"""How long stopping may take is known from the settings, and what the platform gives is checked against it."""

import inspect
import math

import pytest
from livekit.agents.ipc import job_proc_lazy_main

from config import grace
from config.sections.fleet import FleetSettings
from tests.config.conftest import Load

DEFAULTS = FleetSettings()


def test_every_wait_of_a_stop_is_in_the_sum() -> None:
    assert grace.needed(DEFAULTS) == 600 + 30 + 15 + 60 + 120 + 30 + 10 + 5


@pytest.mark.parametrize(
    "name", ["drain_timeout", "handover_timeout", "session_end_timeout", "shutdown_process_timeout"]
)
def test_a_longer_wait_needs_a_longer_grace(name: str) -> None:
    longer = DEFAULTS.model_copy(update={name: getattr(DEFAULTS, name) + 7})
    assert grace.needed(longer) == grace.needed(DEFAULTS) + 7


def test_parts_of_a_second_are_never_rounded_away() -> None:
    settings = FleetSettings(drain_timeout=0.5, session_end_timeout=1.2, shutdown_process_timeout=1.2)
    assert grace.needed(settings) == 1 + 30 + 15 + 60 + math.ceil(2.4) + 10 + 5


def test_a_grace_that_is_just_enough_is_enough(read: Load) -> None:
    read(overrides={"fleet.grace_period": str(grace.needed(DEFAULTS))})


@pytest.mark.parametrize("given", [870 - 1, 870 - 599, 300])
def test_the_advised_drain_fits_into_the_grace(given: int) -> None:
    short = FleetSettings(grace_period=given)
    sentence = grace.shortfall(short)
    assert sentence is not None
    advised = float(sentence.rsplit(maxsplit=1)[1].rstrip("."))
    assert grace.needed(short.model_copy(update={"drain_timeout": advised})) == given


def test_a_refused_timeout_is_not_added_up(refuse: object) -> None:
    sentences = refuse(overrides={"fleet.drain_timeout": "never", "fleet.grace_period": "30"})  # type: ignore[operator]
    assert len(sentences) == 1
    assert sentences[0].startswith("fleet.drain_timeout must be")


def test_the_framework_waits_as_long_as_the_budget_says() -> None:
    """Contract: its limits are constants of its own, not options."""
    assert job_proc_lazy_main._SESSION_ACLOSE_TIMEOUT == grace.CLOSE_SECONDS
    source = inspect.getsource(job_proc_lazy_main._JobProc._shutdown_job)
    assert f"wait_for(asyncio.shield(job_entry_task), timeout={grace.ENTRY_SECONDS})" in source
