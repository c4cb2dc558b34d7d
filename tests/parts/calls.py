"""Which tests have the machine to themselves: those that make a real call, and what is marked `alone` by hand.

The callers of those tests are heard in real time by a recogniser, which takes a word for another where it has to wait
for a core. All others may run beside each other: `make test` spreads them over the cores first, then makes the calls.
"""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if makes_a_call(item):
            item.add_marker(pytest.mark.alone)


def makes_a_call(item: pytest.Item) -> bool:
    """Whether a test makes a real call: whether it uses a livekit-server."""
    marked = any("livekit-server" in mark.args for mark in item.iter_markers("needs"))
    return marked or (isinstance(item, pytest.Function) and "livekit_server" in item.fixturenames)
