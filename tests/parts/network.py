"""The tests talk to this machine alone: a proxy that is set for the way out would only be in their way.

The few that go out (building an image, talking to the real services) ask for the `outside` fixture.
"""

import os

import pytest

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY")

_outside = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    names = [name for name in os.environ if name.upper() in PROXIES]
    proxies = {name: os.environ.pop(name) for name in names}
    config.stash[_outside] = proxies


@pytest.fixture(scope="session")
def outside(pytestconfig: pytest.Config) -> dict[str, str]:
    """The proxy variables of the person's environment, for a process that has to reach the internet."""
    return pytestconfig.stash[_outside].copy()
