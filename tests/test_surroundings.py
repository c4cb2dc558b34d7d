"""The process's environment is set before anything reads it."""

import os
import subprocess
import sys
from pathlib import Path

CHECK = """
import os, sys
from config import load
from worker.surroundings import publish

publish(load(command="config"))
assert not {"livekit", "onnxruntime"} & set(sys.modules), "imported before its variables are set"
print(os.environ["ORT_DISABLE_TELEMETRY"], os.environ["LIVEKIT_TELEMETRY_ALLOW_PII"], os.environ["NO_PROXY"])
"""


def test_reports_are_switched_off_and_this_machine_is_direct_before_the_sdk_is_imported(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name.upper() != "NO_PROXY"}
    done = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=tmp_path, capture_output=True, text=True, timeout=30,
        env=environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "NO_PROXY": "example.org"},
    )  # fmt: skip
    assert done.stdout.split() == ["1", "0", "example.org,localhost,127.0.0.1,::1"], done.stderr
