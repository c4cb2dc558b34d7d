"""A command of the preparation is logged, judged by its exit status, and ends with the one who started it."""

import os
import sys
import threading
from pathlib import Path

import pytest

from bootstrap import command
from bootstrap.errors import CommandError


def _run(tmp_path: Path, code: str) -> str:
    log = tmp_path / "logs" / "it.log"
    command.run("It", [sys.executable, "-c", code], environment=os.environ, log=log)
    return log.read_text()


def test_the_output_of_a_command_is_kept_in_its_log(tmp_path: Path) -> None:
    assert _run(tmp_path, "print('one'); print('two')") == "one\ntwo\n"


def test_a_command_that_fails_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^It failed: broken The whole output is in .*it\.log\.$"):
        _run(tmp_path, "print('broken'); raise SystemExit(3)")


def test_an_interrupted_command_takes_its_whole_group_along(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    code = f"import subprocess, sys; print('up', flush=True); subprocess.run(['sleep', '600'], pass_fds=[{write_end}])"

    def interrupt(line: str) -> str:
        raise KeyboardInterrupt

    descriptors = [sys.executable, "-c", code]
    with pytest.raises(KeyboardInterrupt):
        command.run("It", descriptors, environment=os.environ, log=tmp_path / "log", detail_of=interrupt)
    os.close(write_end)
    # The pipe reaches its end only when nobody holds it any more: neither the command nor its own child.
    ended = threading.Event()

    def read_to_the_end() -> None:
        os.read(read_end, 1)
        ended.set()

    threading.Thread(target=read_to_the_end, daemon=True).start()
    assert ended.wait(10)
    os.close(read_end)
