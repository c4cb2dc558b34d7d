"""Where faults are tested: a livekit-server and the stand-ins, the recogniser with words that are given to it."""

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.outcome import Outcome
from tests.parts.availability import require
from tests.parts.livekit_server import LiveKitServer
from tests.parts.standins import standin
from tests.rooms.surroundings import Surroundings

SEED = "VERBATIM_TEST_SEED"
COUNT = "VERBATIM_TEST_KILLS"

outcomes = pytest.StashKey[list[Outcome]]()


@pytest.fixture
def surroundings(livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """For one test alone: the logs of its stand-ins hold nothing of another."""
    require("flite")
    directory = tmp_path_factory.mktemp("faults")
    with (
        standin("assemblyai", ["--engine", "light"], directory / "assemblyai.log") as assemblyai,
        standin("openai", [], directory / "openai.log") as openai,
    ):
        yield Surroundings(livekit_server, assemblyai, openai, directory)


@pytest.fixture
def seed() -> int:
    """Of all that a test leaves to chance: the one in the environment, else another one each time."""
    return int(os.environ.get(SEED) or random.SystemRandom().randrange(10**6))


@pytest.fixture
def count() -> int:
    """How often each harm is done where all are: 20 times, unless the environment says otherwise."""
    return int(os.environ.get(COUNT) or 20)


@pytest.fixture
def outcomes_shown(pytestconfig: pytest.Config) -> list[Outcome]:
    """What is put in here is shown at the end of the run."""
    return pytestconfig.stash.setdefault(outcomes, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for outcome in config.stash.get(outcomes, []):
        terminalreporter.section("the kill matrix")
        for line in outcome.table():
            terminalreporter.line(line)
