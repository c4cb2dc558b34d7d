"""What a test changes in the environment ends with it; what a fixture changes is the fixture's.

A command that is run inside the test run publishes its settings for the processes it would start; a later test's
processes must not take them for a person's.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    before = dict(os.environ)
    try:
        return (yield)
    finally:
        changed = {name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}
        for name in changed:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
