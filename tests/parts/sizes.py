"""The sizes of the suite: fast, and `slow`, `soak` and `live` by mark. Each test has a hard time limit.

Property tests draw the same examples in every run, and many more with `--hypothesis-profile=soak`.
"""

import pytest
from hypothesis import settings

SECONDS_OF = {"slow": 600, "soak": 7200, "live": 300}
"""The limit of a test with that mark; one without has `timeout` of pyproject.toml, or its own mark's."""

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("soak", max_examples=10_000, deadline=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        limits = [seconds for size, seconds in SECONDS_OF.items() if item.get_closest_marker(size)]
        if limits and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(max(limits)))
