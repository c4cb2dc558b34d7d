"""`verbatim watch`: one look or many, what it prints, and how it ends."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import KEYS, arguments, environment, run
from tests.fleet.livekit_rooms import LiveKitRooms

PATIENCE_S = 40.0


def beside(livekit: LiveKitRooms) -> dict[str, str]:
    return {**KEYS, "LIVEKIT_URL": livekit.url}


def test_a_cloud_project_needs_no_watcher(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["watch"], {**KEYS, "LIVEKIT_URL": "wss://mine.livekit.cloud"})
    assert outcome.status == 78
    assert outcome.sentences == [
        "livekit.url is a LiveKit Cloud project, which sends agents again by itself; "
        "nothing needs to be watched there (--force does it all the same)."
    ]


def test_one_look_at_a_server_that_is_away_ends_with_69(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["watch", "--once", "--force"], KEYS)
    assert outcome.status == 69
    assert len(outcome.sentences) == 1 and "cannot be reached" in outcome.sentences[0]


async def test_one_look_prints_what_was_done_and_ends_with_1_when_somebody_still_waits(tmp_path: Path) -> None:
    async with LiveKitRooms().running() as livekit:
        livekit.promise(livekit.open("kitchen"), 6.0, job=False)
        livekit.promise(livekit.open("[hall]"), 1.0, job=False)
        first = await asyncio.to_thread(run, tmp_path, ["watch", "--once", "--json"], beside(livekit))
        printed = json.loads(first.out)
        assert (printed["rooms"], printed["waiting"], printed["hopeless"]) == (2, ["[hall]"], [])
        assert [each["room"] for each in printed["actions"]] == ["kitchen"]
        assert first.status == 1
        livekit.rooms.pop("kitchen")
        livekit.rooms["[hall]"].dispatches.clear()
        second = await asyncio.to_thread(run, tmp_path, ["watch", "--once"], beside(livekit))
        assert (second.status, second.out) == (0, "1 rooms, 0 agents sent again, 0 still wait.\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_watches_until_it_is_told_to_end_and_prints_each_agent_that_it_sends(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with LiveKitRooms().running() as livekit:
        livekit.promise(livekit.open("kitchen"), 6.0, job=False)
        watching = subprocess.Popen(  # noqa: ASYNC220 - it only starts
            arguments("watch", "--json"), cwd=tmp_path, env=environment(tmp_path, beside(livekit)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert watching.stdout is not None
            async with asyncio.timeout(PATIENCE_S):
                line = await asyncio.to_thread(watching.stdout.readline)
            assert json.loads(line)["room"] == "kitchen"
            os.kill(watching.pid, number)
            _, log = await asyncio.to_thread(watching.communicate, timeout=PATIENCE_S)
        finally:
            watching.kill()
            watching.wait()
    assert watching.returncode == 0, log
    (audit,) = [json.loads(line) for line in log.splitlines()]
    assert (audit["message"], audit["room"], audit["cause"]) == ("dispatched again", "kitchen", "no_room")
