"""The transcript needs no LiveKit, no event loop and no settings."""

import subprocess
import sys

FOREIGN = ("livekit", "aiohttp", "obstore", "config", "worker.storage")


def test_importing_the_transcript_brings_in_nothing_that_does_input_or_output() -> None:
    program = "import sys, worker.transcript.replay, worker.transcript.render; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not [name for name in loaded.split() if name.startswith(FOREIGN)]
