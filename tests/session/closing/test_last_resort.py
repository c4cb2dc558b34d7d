"""A call whose code ends the process is finished all the same, and the process is gone."""

import asyncio
import json
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import pytest
from livekit.agents.ipc.job_proc_executor import ProcJobExecutor
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol import agent, models

from tests.session import exiting_job

EXITS = ("the entry", "a task", "a callback", "a thread")
ORDERLY = "nowhere"
PATIENCE_S = 45


async def _ended(where: str, directory: Path) -> int | None:
    """Run one job in a process of the framework's; return its exit status once it is gone."""
    process = ProcJobExecutor(
        initialize_process_fnc=exiting_job.set_up,
        job_entrypoint_fnc=exiting_job.entry,
        session_end_fnc=exiting_job.session_ended,
        simulation_end_fnc=None,
        inference_executor=None,
        initialize_timeout=PATIENCE_S,
        close_timeout=10,
        session_end_timeout=10,
        memory_warn_mb=0,
        memory_limit_mb=0,
        ping_interval=2.5,
        ping_timeout=60,
        high_ping_threshold=10,
        http_proxy=None,
        mp_ctx=multiprocessing.get_context("forkserver"),
        loop=asyncio.get_running_loop(),
    )
    await process.start()
    try:
        await process.initialize()
        metadata = json.dumps({"where": where, "directory": str(directory)})
        job = agent.Job(id=f"AJ_{where}", metadata=metadata, room=models.Room(name="room", sid="RM_1"))
        await process.launch_job(
            RunningJobInfo(
                accept_arguments=JobAcceptArguments(name="", identity="agent", metadata=""),
                job=job, url="", token="", worker_id="", fake_job=True,
            )
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            await process.join()
        return process.exitcode
    finally:
        if process.exitcode is None:
            await process.kill()


async def _all_ended(places: Sequence[str], directory: Path) -> dict[str, int | None]:
    return dict(zip(places, await asyncio.gather(*(_ended(where, directory) for where in places)), strict=True))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("told")


@pytest.fixture(scope="module")
def statuses(told: Path) -> dict[str, int | None]:
    return asyncio.run(_all_ended([*EXITS, ORDERLY], told))


@pytest.mark.parametrize("where", EXITS)
def test_a_call_whose_process_its_own_code_ends_is_finished(
    where: str, statuses: dict[str, int | None], told: Path
) -> None:
    assert statuses[where] == 1
    assert (told / where).read_text() == "SystemExit"


def test_a_call_that_ends_in_an_orderly_way_is_finished_once(statuses: dict[str, int | None], told: Path) -> None:
    assert statuses[ORDERLY] == 0
    assert (told / ORDERLY).read_text() == "orderly"
