"""What a machine may lack: a test marked `@pytest.mark.needs("flite")` is skipped where flite cannot be had.

The reasons are listed at the end of the run. A person's machine may lack a part, the build server may not:
with `CI=true` in the environment every skipped test is a failed test.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from bootstrap import azurite, livekit_server
from bootstrap.go_programs import fake_gcs_server, kustomize, versitygw

PROJECT = Path(__file__).parents[2]

# debootstrap lies in /usr/sbin, which is not on everyone's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def _program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name, path=SEARCH_PATH) else f"{name} is not installed"


def _root() -> str | None:
    return None if os.geteuid() == 0 else "the test has to run as root"


def _linux() -> str | None:
    return None if sys.platform == "linux" else "only Linux has what the test looks at"


def _livekit_server() -> str | None:
    return None if livekit_server.find(PROJECT) else "there is none on PATH or in .tools/; run `make setup`"


def _versitygw() -> str | None:
    return None if versitygw.find(PROJECT) else "there is none on PATH or in .tools/; run `make tools-for-tests`"


def _fake_gcs_server() -> str | None:
    there = fake_gcs_server.find(PROJECT)
    return None if there else "there is none on PATH or in .tools/; run `make tools-for-tests`"


def _azurite() -> str | None:
    if azurite.find(PROJECT) is None:
        return "there is none in .tools/; install Node.js and npm, and run `make tools-for-tests`"
    return _program("node")()


def _kustomize() -> str | None:
    return None if kustomize.find(PROJECT) else "there is none on PATH or in .tools/; run `make tools-for-tests`"


def _extended_attributes() -> str | None:
    with tempfile.NamedTemporaryFile() as file:
        try:
            os.setxattr(file.name, "user.verbatim", b"1")
        except (AttributeError, OSError):
            return "the file system of temporary files has no extended attributes"
    return None


def _network_namespaces() -> str | None:
    missing = _program("ip")()
    if missing is not None:
        return missing
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
    return f"none can be made: {tried.stderr.strip()}" if tried.returncode else None


def _strace() -> str | None:
    missing = _program("strace")()
    if missing is not None:
        return missing
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"it may not look at another process: {tried.stderr.strip()}" if tried.returncode else None


def _speech() -> str | None:
    missing = [name for name in ("pocketsphinx", "espeakng_loader") if importlib.util.find_spec(name) is None]
    return f"the extra `demo` is not installed: {', '.join(missing)}" if missing else None


MISSING: dict[str, Callable[[], str | None]] = {
    "azurite": _azurite,
    "buildah": _program("buildah"),
    "debootstrap": _program("debootstrap"),
    "fake-gcs-server": _fake_gcs_server,
    "flite": _program("flite"),
    "kustomize": _kustomize,
    "linux": _linux,
    "livekit-server": _livekit_server,
    "network namespaces": _network_namespaces,
    "promtool": _program("promtool"),  # in Debian's package `prometheus`
    "redis-server": _program("redis-server"),
    "root": _root,
    "speech": _speech,
    "strace": _strace,
    "systemd-analyze": _program("systemd-analyze"),
    "tmux": _program("tmux"),
    "versitygw": lambda: _versitygw() or _extended_attributes(),
}
"""A part, and the check that returns why it cannot be had here, or None."""


def require(part: str) -> None:
    """Skips the running test, or whichever test asked for the running fixture, when `part` cannot be had."""
    reason = MISSING[part]()
    if reason is not None:
        pytest.skip(f"needs {part}: {reason}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for part in mark.args:
            require(part)


def _on_build_server() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _on_build_server():
        report.longrepr = f"CI=true: no test may be skipped here ({_reason(report)})"
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _on_build_server():
        report.longrepr = f"CI=true: no module may be skipped here ({_reason(report)})"
        report.outcome = "failed"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tests_by_reason: dict[str, int] = defaultdict(int)
    for report in terminalreporter.stats.get("skipped", []):
        if not hasattr(report, "wasxfail"):
            tests_by_reason[_reason(report)] += 1
    if not tests_by_reason:
        return
    terminalreporter.section("not tested on this machine", yellow=True)
    for reason, tests in sorted(tests_by_reason.items()):
        terminalreporter.line(f"{tests:4d}  {reason}")
