"""`verbatim watch`: one look or many, what it prints, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from config import Settings
from tests.cli.command import KEYS, arguments, environment, run
from tests.fleet.livekit_rooms import LiveKitRooms
from tests.parts.counts import Counts
from tests.parts.livekit_server import LiveKitServer, free_ports
from worker.cli import watch
from worker.errors import Failed
from worker.fleet.watcher import Watcher
from worker.metrics.definitions import LOOKS

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


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
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


async def test_a_port_that_is_taken_is_refused_with_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        settings = Settings.model_validate({"fleet": {"health_host": "127.0.0.1", "watch_port": port}})
        with pytest.raises(Failed) as caught:
            async with watch._served(Watcher(settings), settings):
                pass
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 cannot be used for metrics (Address already in use); "
        "stop what holds it, or set fleet.watch_port to another."
    )


async def test_its_metrics_are_served_on_the_port_that_is_set(counts: Counts) -> None:
    async with LiveKitRooms().running() as livekit:
        livekit.promise(livekit.open("kitchen"), 6.0, job=False)
        livekit.promise(livekit.open("hall"), 1.0, job=False)
        keys = {"url": livekit.url, "api_key": "key", "api_secret": "secret-of-livekit-with-32-characters"}
        (port,) = free_ports(1)
        fleet = {"health_host": "127.0.0.1", "watch_port": port}
        settings = Settings.model_validate({"livekit": keys, "fleet": fleet})
        watching = asyncio.create_task(watch._watch(settings, json_=False))
        try:
            async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
                while not counts(LOOKS, result="done"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    told = (await answer.text()).splitlines()
                async with http.get(f"http://127.0.0.1:{port}/livez") as answer:
                    assert answer.status == 200
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    assert {"verbatim_watch_rooms 2.0", 'verbatim_redispatches_total{cause="no_room"} 1.0'} <= set(told)
    assert {"verbatim_watch_rooms_waiting 1.0", 'verbatim_watch_looks_total{result="failed"} 0.0'} <= set(told)


def test_a_key_that_the_server_refuses_ends_it_with_78(tmp_path: Path, livekit_server: LiveKitServer) -> None:
    outcome = run(tmp_path, ["watch"], {**KEYS, "LIVEKIT_URL": livekit_server.url})
    assert outcome.status == 78
    assert len(outcome.sentences) == 1 and "refused the key and secret" in outcome.sentences[0]


def test_it_is_small_for_it_needs_nothing_of_the_framework_that_calls_run_in() -> None:
    told = "import sys, worker.fleet.watcher; print(*(name for name in sys.modules if name.startswith('livekit.')))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert "livekit.api" in done.stdout.split()
    assert not {"livekit.agents", "livekit.rtc", "livekit.plugins"} & set(done.stdout.split())
