"""The rules of a session hold: skips are listed or fail, nothing is left behind, a hang fails."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.parts.availability import PROJECT

NEEDS_A_PART = """
import pytest
from tests.parts import availability

@pytest.fixture
def voice(monkeypatch):
    monkeypatch.setitem(availability.MISSING, "flite", lambda: "no flite")
    availability.require("flite")

def test_one(voice):
    pass
"""
LEAVES_A_PROCESS = """
import os
import subprocess
from tests.parts import leftovers
leftovers.PATIENCE_S = 0.5
def test_one():
    # Through a shell that ends at once, so that nobody is its parent any more.
    subprocess.run("sleep 600 >/dev/null 2>&1 &", shell=True, check=True)
"""
LEAVES_A_CALL = """
import multiprocessing
import time
from tests.parts import leftovers
leftovers.PATIENCE_S = 0.5
def test_one():
    multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(600,), daemon=True).start()
"""
LEAVES_A_FORKSERVER = """
import multiprocessing
import time
def test_one():
    call = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(0,))
    call.start()
    call.join()
"""
LEAVES_A_PORT = """
import socket
held = socket.socket()
def test_one():
    held.bind(("127.0.0.1", 0))
    held.listen()
"""
HEARD_AT_THE_SECOND_TRY = """
import pytest
tries = []
@pytest.mark.needs("livekit-server")
def test_one():
    tries.append(1)
    assert len(tries) == 2
"""
HANGS = """
import asyncio, pytest
@pytest.mark.asyncio
@pytest.mark.timeout(1)
async def test_one():
    await asyncio.Event().wait()

def test_two():
    pass
"""
CALLS = """
import pytest
@pytest.fixture
def livekit_server():
    pass
def test_pure(): pass
def test_with_a_server(livekit_server): pass
@pytest.mark.needs("livekit-server")
def test_with_one_of_its_own(): pass
@pytest.mark.alone
def test_heavy(): pass
"""
CHANGES_THE_ENVIRONMENT = """
import os
import pytest
@pytest.fixture(scope="module")
def bucket():
    os.environ["BUCKET"] = "calls"
    yield
    del os.environ["BUCKET"]
def test_one(bucket):
    os.environ |= {"SETTING": "published", "BUCKET": "another", "HOME": "/nowhere"}
def test_two(bucket):
    assert "SETTING" not in os.environ
    assert os.environ["BUCKET"] == "calls"
    assert os.environ["HOME"] != "/nowhere"
"""
LOOKS_FOR_A_PROXY = """
import json
import os
def test_one(outside):
    assert "HTTPS_PROXY" not in os.environ
    assert outside["HTTPS_PROXY"] == "http://proxy:3128"
"""


def _session(
    tmp_path: Path, source: str, *more: str, arguments: Sequence[str] = (), **environment: str
) -> tuple[int, str]:
    """Runs the tests of `source` as a session of its own; returns its exit status and what it wrote."""
    (tmp_path / "test_it.py").write_text(source)
    markers = "".join(f" {name}: {name}\n" for name in ("alone", "needs", "slow", "soak", "live"))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers =\n{markers}")
    # Only what the rules are made of: a session loads each plugin anew.
    plugins = (*(f"tests.parts.{name}" for name in ("availability", "leftovers", "network", "results")), *more)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", tmp_path, "-p", "no:cacheprovider", "-p", "no:randomly",
         *(argument for name in plugins for argument in ("-p", name)), *arguments],
        cwd=tmp_path,
        env={**os.environ, "CI": "", "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    return run.returncode, run.stdout


def test_a_missing_part_is_skipped_and_listed_at_the_end(tmp_path: Path) -> None:
    status, output = _session(tmp_path, NEEDS_A_PART)
    assert status == 0, output
    listed = output.split("not tested on this machine")[1]
    assert "1  needs flite: no flite" in listed


def test_on_the_build_server_a_missing_part_is_a_failure(tmp_path: Path) -> None:
    status, output = _session(tmp_path, NEEDS_A_PART, CI="true")
    assert status == 1, output
    assert "no test may be skipped here (needs flite: no flite)" in output


def test_an_unknown_part_is_an_error_and_no_skip(tmp_path: Path) -> None:
    status, output = _session(tmp_path, "import pytest\n@pytest.mark.needs('flute')\ndef test_one(): pass\n")
    assert status == 1, output


def test_a_module_that_is_skipped_fails_on_the_build_server(tmp_path: Path) -> None:
    source = "import pytest\npytest.skip('no such library', allow_module_level=True)\n"
    assert _session(tmp_path, source)[0] == pytest.ExitCode.NO_TESTS_COLLECTED
    status, output = _session(tmp_path, source, CI="true")
    assert status not in {0, pytest.ExitCode.NO_TESTS_COLLECTED}, output
    assert "no such library" in output


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (LEAVES_A_PROCESS, "sleep 600"),
        (LEAVES_A_CALL, "multiprocessing.forkserver"),
        (LEAVES_A_PORT, "still open in the test run itself"),
    ],
)
def test_a_session_that_leaves_something_behind_fails_and_names_it(tmp_path: Path, source: str, named: str) -> None:
    status, output = _session(tmp_path, source)
    assert status == 1, output
    assert named in output.split("left behind by the tests")[1]


SPREAD = ("xdist",)
OVER_TWO = ("--numprocesses=2",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "named"),
    [(LEAVES_A_PROCESS, "sleep 600"), (LEAVES_A_PORT, "still open in the test run itself")],
)
def test_what_tests_leave_behind_is_named_where_they_are_spread_over_processes(
    tmp_path: Path, source: str, named: str
) -> None:
    status, output = _session(tmp_path, source, *SPREAD, arguments=OVER_TWO)
    assert status == 1, output
    assert output.count(named) == 1
    assert named in output.split("left behind by the tests")[1]


@pytest.mark.slow
def test_what_a_process_leaves_that_died_with_its_tests_is_named(tmp_path: Path) -> None:
    status, output = _session(tmp_path, LEAVES_A_PROCESS + "    os._exit(1)\n", *SPREAD, arguments=OVER_TWO)
    assert status == 1, output
    assert "sleep 600" in output.split("left behind by the tests")[1]


@pytest.mark.slow
def test_nothing_is_left_behind_by_the_machinery_that_spreads_tests(tmp_path: Path) -> None:
    status, output = _session(tmp_path, LEAVES_A_FORKSERVER, *SPREAD, "pytest_rerunfailures", arguments=OVER_TWO)
    assert status == 0, output


@pytest.mark.slow
@pytest.mark.parametrize("ci", ["", "true"])
def test_a_missing_part_is_told_where_tests_are_spread_over_processes(tmp_path: Path, ci: str) -> None:
    status, output = _session(tmp_path, NEEDS_A_PART, *SPREAD, arguments=OVER_TWO, CI=ci)
    told = "no test may be skipped here (needs flite: no flite)" if ci else "1  needs flite: no flite"
    assert status == (1 if ci else 0), output
    assert told in output


def test_real_calls_and_what_is_marked_so_have_the_machine_to_themselves(tmp_path: Path) -> None:
    status, output = _session(tmp_path, CALLS, "tests.parts.calls", arguments=("-m", "alone", "-v"))
    assert status == 0, output
    assert "3 passed, 1 deselected" in output and "test_pure" not in output


def test_what_multiprocessing_keeps_for_the_session_is_not_left_behind(tmp_path: Path) -> None:
    status, output = _session(tmp_path, LEAVES_A_FORKSERVER)
    assert status == 0, output


def test_a_test_that_hangs_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    status, output = _session(tmp_path, HANGS, "pytest_asyncio", "pytest_timeout")
    assert status == 1
    assert "1 failed, 1 passed" in output


def test_no_proxy_stands_between_a_test_and_this_machine(tmp_path: Path) -> None:
    status, output = _session(tmp_path, LOOKS_FOR_A_PROXY, HTTPS_PROXY="http://proxy:3128")
    assert status == 0, output


def test_only_soak_tests_leave_results(tmp_path: Path) -> None:
    source = (
        "import pytest\nfrom tests.parts import results\n"
        f"results.FOLDER = results.Path({str(tmp_path)!r}) / 'results'\n"
        "@pytest.mark.parametrize('word', ['soak'])\ndef test_fast(word): pass\n"
        "@pytest.mark.soak\ndef test_long(record_property): record_property('calls', 3)\n"
    )
    status, output = _session(tmp_path, source)
    assert status == 0, output
    (written,) = (tmp_path / "results").iterdir()
    (result,) = json.loads(written.read_text())["results"]
    assert result["test"].endswith("::test_long")
    assert (result["outcome"], result["figures"]) == ("passed", {"calls": 3})


def test_a_call_may_be_made_a_second_time_and_is_named_then(tmp_path: Path) -> None:
    status, output = _session(tmp_path, HEARD_AT_THE_SECOND_TRY, "tests.parts.second_try", "pytest_rerunfailures")
    assert status == 0, output
    assert "::test_one" in output.split("tried a second time")[1]


def test_what_guards_that_nothing_is_lost_has_one_try(tmp_path: Path) -> None:
    faults = tmp_path / "faults"
    faults.mkdir()
    status, output = _session(faults, HEARD_AT_THE_SECOND_TRY, "tests.parts.second_try", "pytest_rerunfailures")
    assert status == 1, output
    assert "tried a second time" not in output


def test_what_makes_no_call_has_one_try(tmp_path: Path) -> None:
    source = HEARD_AT_THE_SECOND_TRY.replace('@pytest.mark.needs("livekit-server")\n', "")
    status, output = _session(tmp_path, source, "tests.parts.second_try", "pytest_rerunfailures")
    assert status == 1, output


def test_what_a_test_changes_in_the_environment_ends_with_it(tmp_path: Path) -> None:
    status, output = _session(tmp_path, CHANGES_THE_ENVIRONMENT, "tests.parts.environment")
    assert status == 0, output
