"""A test that makes a real call may be tried a second time, and the summary names it.

Its caller is heard by a real recogniser through a real network: where others use the machine, audio has holes and a
word comes out wrong, which is no fault of the product. A name that comes again and again is a fault to hunt.
Never tried again is what guards that no word is lost (`tests/faults`), and whatever makes no call.
"""

import pytest

from tests.parts.calls import makes_a_call

NEVER_AGAIN = "faults"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if makes_a_call(item) and NEVER_AGAIN not in item.path.parts and not item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    again = sorted({report.nodeid for report in terminalreporter.stats.get("rerun", [])})
    if not again:
        return
    terminalreporter.section("tried a second time", yellow=True)
    for name in again:
        terminalreporter.line(name)
