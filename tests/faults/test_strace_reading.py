"""A trace is read as it is meant: calls that other threads interrupt, and strings with escapes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.strace import SystemCall, read_calls, traced

TRACE = r"""
77 1700000000.100000 write(9</var/journals/RM_1/AJ_1.jsonl>, "{\"text\":\"caf\303\251\"}\n", 16) = 16 <0.000020>
77 1700000000.200000 fdatasync(9</var/journals/RM_1/AJ_1.jsonl> <unfinished ...>
78 1700000000.210000 sendto(12<TCP:[127.0.0.1:50522->127.0.0.1:8080]>, "POST /v1", 8, 0, NULL, 0) = 8 <0.000100>
77 1700000000.250000 <... fdatasync resumed>) = 0 <0.050000>
78 1700000000.300000 <... write resumed>) = 5 <0.000001>
78 1700000000.310000 write(9</var/journals/RM_1/AJ_1.jsonl>, "x", 1) = -1 ENOSPC (No space left on device) <0.000001>
78 1700000000.320000 +++ exited with 0 +++
"""
JOURNAL = "/var/journals/RM_1/AJ_1.jsonl"


def test_calls_are_read_with_their_time_target_and_data() -> None:
    connection = "TCP:[127.0.0.1:50522->127.0.0.1:8080]"
    at = 1700000000
    calls = read_calls(TRACE)
    assert [(call.name, call.descriptor, call.target, call.data, call.result) for call in calls] == [
        ("write", 9, JOURNAL, '{"text":"café"}\n'.encode(), 16),
        ("fdatasync", 9, JOURNAL, b"", 0),
        ("sendto", 12, connection, b"POST /v1", 8),
        ("write", 9, JOURNAL, b"x", -1),
    ]
    assert [(round(call.began_at - at, 2), round(call.ended_at - at, 2)) for call in calls[:3]] == [
        (0.1, 0.1),
        (0.2, 0.25),
        (0.21, 0.21),
    ]


@pytest.mark.slow
@pytest.mark.needs("strace")
def test_a_process_is_traced_while_it_works(tmp_path: Path) -> None:
    program = "import os\nfor line in open(0):\n    os.fdatasync(int(line)) or os.write(1, b'done\\n')\n"
    file = tmp_path / "file"
    with file.open("wb") as opened:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[opened.fileno()],
        )
        assert process.stdin is not None and process.stdout is not None
        with traced(process.pid, ["fdatasync", "write"], tmp_path / "trace"):
            os.write(process.stdin.fileno(), b"%d\n" % opened.fileno())
            assert process.stdout.readline() == b"done\n"
        process.communicate()
    sync, write = read_calls((tmp_path / "trace").read_text())
    assert (sync.name, sync.target, sync.result) == ("fdatasync", str(file), 0)
    assert isinstance(write, SystemCall) and write.data == b"done\n"
    assert sync.ended_at <= write.began_at
