"""Every server stand-in as a process: how it starts, shows itself and ends."""

import json
import signal
import socket
import subprocess
import sys

import pytest

ENDS_WITHIN_S = 2
STARTS_WITHIN_S = 60
COMMAND = [sys.executable, "-m", "standins"]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "assemblyai", "--engine", "light", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "end of stdin"])
def test_it_says_where_it_listens_and_ends_when_told_to(end: str):
    process = start("--exit-on-stdin-eof")
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["event"], ready["service"]) == ("ready", "assemblyai")
        assert ready["url"].startswith("http://127.0.0.1:")
        if end == "end of stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[end])
        assert process.wait(ENDS_WITHIN_S) == 0
    finally:
        process.kill()
        process.wait(ENDS_WITHIN_S)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*COMMAND, "assemblyai", "--engine", "light", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN_S,
        )
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_stand_in_is_refused_with_the_names_of_those_that_exist():
    result = subprocess.run([*COMMAND, "deepgram"], capture_output=True, text=True, timeout=STARTS_WITHIN_S)
    assert result.returncode == 2
    assert "assemblyai,openai,caller" in result.stderr
