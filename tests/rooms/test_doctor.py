"""`verbatim doctor` beside a worker that runs: its agent comes into the throw-away room, and nothing is left of it."""

import asyncio
import json
import sys

import pytest

from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import WorkerProcess

pytestmark = pytest.mark.slow

EXAMINED_WITHIN_S = 60


async def test_a_deployment_that_works_is_found_to_work(surroundings: Surroundings, worker: WorkerProcess) -> None:
    environment = surroundings.environment(worker.port, {"VERBATIM_AGENT__NAME": "verbatim"})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "doctor", "--json",
        cwd=surroundings.directory / "verbatim", env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(EXAMINED_WITHIN_S):
        out, _ = await process.communicate()
    found = {finding["check"]: finding for finding in json.loads(out)}
    assert found["room"]["verdict"] == "fine", found
    assert "An agent came into a room of its own" in found["room"]["sentence"]
    assert {found[check]["verdict"] for check in ("media", "llm answer", "tts voice", "port")} == {"fine"}, found
    assert "A worker serves its health" in found["port"]["sentence"]
    assert process.returncode == 0
