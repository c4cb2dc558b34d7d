"""The settings that operators are given for a platform fit into what it waits."""

import pytest

from config.grace import needed
from config.platforms import PLATFORMS, Platform
from tests.config.conftest import Load

LIMITED = [platform for platform in PLATFORMS if platform.longest is not None]


@pytest.mark.parametrize("platform", LIMITED, ids=lambda platform: platform.name)
def test_a_worker_has_stopped_when_the_platform_would_kill_it(platform: Platform, read: Load) -> None:
    overrides = {
        f"fleet.{name}": str(getattr(platform.fleet, name))
        for name in ("drain_timeout", "handover_timeout", "session_end_timeout", "shutdown_process_timeout")
    }
    read(overrides={**overrides, "fleet.grace_period": str(platform.longest)})


@pytest.mark.parametrize("platform", LIMITED, ids=lambda platform: platform.name)
def test_calls_are_given_all_the_time_that_the_platform_leaves(platform: Platform) -> None:
    assert needed(platform.fleet) == platform.longest


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_no_platform_waits_long_enough_by_itself_but_livekit_cloud(platform: Platform) -> None:
    assert platform.default is not None
    assert (platform.default >= needed(platform.fleet)) == (platform.name == "LiveKit Cloud")
