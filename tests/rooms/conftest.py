"""The rooms of these tests: one livekit-server, one set of stand-ins and two workers for all of them."""

import contextlib
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.parts.availability import require
from tests.parts.livekit_server import LiveKitServer
from tests.parts.standins import standin
from tests.rooms import deployment
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import WorkerProcess, working

LOG_LINES_SHOWN = 60
NOBODY_LISTENS = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

_logs = pytest.StashKey[list[WorkerProcess]]()


@pytest.fixture(scope="session")
def surroundings(livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    require("speech")
    require("flite")
    directory = tmp_path_factory.mktemp("rooms")
    with (
        standin("assemblyai", ["--recognisers", "3"], directory / "assemblyai.log") as assemblyai,
        standin("openai", [], directory / "openai.log") as openai,
    ):
        yield Surroundings(livekit_server, assemblyai, openai, directory)


@pytest.fixture(scope="session")
def workers(surroundings: Surroundings, pytestconfig: pytest.Config) -> Iterator[dict[str, WorkerProcess]]:
    """Both workers by the name of their agent; they start beside each other."""
    directory = surroundings.directory / "desk"
    directory.mkdir()
    shutil.copy(Path(__file__).with_name("desk_agent.py"), directory)
    settings = {
        "verbatim": {},
        "desk": {
            "VERBATIM_AGENT__CLASS": "desk_agent:Desk",
            "VERBATIM_TELEMETRY__LOG_LEVEL": "debug",
            "VERBATIM_FLEET__IDLE_PROCESSES": "2",
            **dict.fromkeys(PROXIES, NOBODY_LISTENS),
        },
    }
    with contextlib.ExitStack() as running:
        started = {
            name: running.enter_context(working(surroundings, name, own, wait=False)) for name, own in settings.items()
        }
        pytestconfig.stash[_logs] = list(started.values())
        for worker in started.values():
            worker.wait_until_ready()
            worker.wait_until_lines_are_made()
        yield started


@pytest.fixture(scope="session")
def worker(workers: dict[str, WorkerProcess]) -> WorkerProcess:
    """The worker as it comes: named dispatch, the default agent, which greets."""
    return workers["verbatim"]


@pytest.fixture(scope="session")
def desk(workers: dict[str, WorkerProcess]) -> WorkerProcess:
    """A worker with an operator's own agent, behind a proxy that is dead, and with a log that tells all it may."""
    return workers["desk"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Surroundings]:
    """A livekit-server and stand-ins for one test alone, whose workers come and go."""
    with deployment.place(tmp_path) as place:
        yield place


@pytest.fixture(autouse=True)
def _faults_end_with_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "surroundings" in request.fixturenames:
        surroundings: Surroundings = request.getfixturevalue("surroundings")
        surroundings.assemblyai.clear_faults()
        surroundings.openai.clear_faults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for each in item.config.stash.get(_logs, []):
            tail = "\n".join(line[:500] for line in each.log.splitlines()[-LOG_LINES_SHOWN:])
            report.sections.append((f"the end of {each.log_file}", tail))
    return report
