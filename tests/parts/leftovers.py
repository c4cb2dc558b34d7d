"""The guard of a session: it fails when the tests leave a process or a listening port behind.

Every process that a test starts inherits a mark in its environment, so that an orphan is found too.
"""

import os
import secrets

import psutil
import pytest

MARK = "PYTEST_SESSION_MARK"
PATIENCE_S = 5.0

# These two live as long as the interpreter that multiprocessing started them for. The forkserver's own children,
# the processes of calls, have the same command line: their parent tells them apart.
KEPT_BY_MULTIPROCESSING = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")

_left = pytest.StashKey[list[str]]()


def pytest_sessionstart() -> None:
    os.environ[MARK] = secrets.token_hex(8)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    processes = processes_left(os.environ.pop(MARK, ""))
    left = [f"process {process.pid}: {_command_line(process)}" for process in processes]
    left += [f"port {port}, still open in the test run itself" for port in ports_left()]
    session.config.stash[_left] = left
    for process in processes:
        process.kill()
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(_left, [])
    if left:
        terminalreporter.section("left behind by the tests: this run counts as failed", red=True)
        for line in left:
            terminalreporter.line(line)


def processes_left(mark: str) -> list[psutil.Process]:
    """The other processes that carry `mark` and do not end by themselves within `PATIENCE_S` seconds."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    marked = [process for process in others if _has(process, mark)]
    _, alive = psutil.wait_procs(marked, PATIENCE_S)
    return [process for process in alive if not _is_over(process)]


def ports_left() -> list[int]:
    """The ports on which this process itself listens."""
    connections = psutil.Process().net_connections(kind="tcp")
    return sorted(each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN)


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        is_marked = bool(process.environ().get(MARK) == mark)
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
