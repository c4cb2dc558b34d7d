"""The guard of a session: it fails when the tests leave a process or a listening port behind.

Every process that a test starts inherits a mark in its environment, so that an orphan is found too. Where the tests
are spread over several processes (pytest-xdist) each looks after its own, by a mark that begins with the whole
session's, and tells the process that started it, which looks once more at the end of all.
"""

import os
import secrets
from typing import Protocol

import psutil
import pytest

MARK = "PYTEST_SESSION_MARK"
PATIENCE_S = 5.0

# These two live as long as the interpreter that multiprocessing started them for. The forkserver's own children,
# the processes of calls, have the same command line: their parent tells them apart.
KEPT_BY_MULTIPROCESSING = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")

TOLD = "left_behind"

_left = pytest.StashKey[list[str]]()
_open_before = pytest.StashKey[list[int]]()


class _Node(Protocol):
    """What is known of a process that ran a share of the tests; it told nothing where it died."""

    workeroutput: dict[str, list[str]]


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_Told(config))


class _Told:
    """Takes what the processes that ran the tests tell at their end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_testnodedown(self, node: _Node) -> None:
        told = getattr(node, "workeroutput", {}).get(TOLD, [])
        self._config.stash.setdefault(_left, []).extend(told)


def pytest_sessionstart(session: pytest.Session) -> None:
    whole = os.environ.get(MARK, "") + "-" if _is_told_what_to_run(session.config) else ""
    os.environ[MARK] = whole + secrets.token_hex(8)
    session.config.stash[_open_before] = ports_open()  # of pytest and its plugins


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    processes = processes_left(os.environ.pop(MARK, ""))
    ports = set(ports_open()).difference(session.config.stash[_open_before])
    left = session.config.stash.setdefault(_left, [])
    left += [f"process {process.pid}: {_command_line(process)}" for process in processes]
    left += [f"port {port}, still open in the test run itself" for port in sorted(ports)]
    for process in processes:
        process.kill()
    if _is_told_what_to_run(session.config):
        session.config.workeroutput[TOLD] = left  # type: ignore[attr-defined]
    elif left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(_left, [])
    if left:
        terminalreporter.section("left behind by the tests: this run counts as failed", red=True)
        for line in left:
            terminalreporter.line(line)


def processes_left(mark: str) -> list[psutil.Process]:
    """The other processes whose mark begins with `mark` and that do not end by themselves within `PATIENCE_S` s."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    marked = [process for process in others if _has(process, mark)]
    _, alive = psutil.wait_procs(marked, PATIENCE_S)
    return [process for process in alive if not _is_over(process)]


def ports_open() -> list[int]:
    """The ports on which this process itself listens."""
    connections = psutil.Process().net_connections(kind="tcp")
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


def _is_told_what_to_run(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        is_marked = process.environ().get(MARK, "").startswith(mark)
    except (psutil.Error, OSError):
        return False
    return is_marked and not _is_kept_by_multiprocessing(process)


def _is_kept_by_multiprocessing(process: psutil.Process) -> bool:
    try:
        is_ours = process.ppid() == os.getpid()
    except psutil.Error:
        return False
    return is_ours and any(name in _command_line(process) for name in KEPT_BY_MULTIPROCESSING)


def _is_over(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "already gone"
