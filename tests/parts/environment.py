"""What a test changes in the environment ends with it.

A command that is run inside the test run publishes its settings for the processes it would start; a later test's
processes must not take them for a person's.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    before = dict(os.environ)
    try:
        return (yield)
    finally:
        if dict(os.environ) != before:
            os.environ.clear()
            os.environ.update(before)
