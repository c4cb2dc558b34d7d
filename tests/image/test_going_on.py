"""A call outlives its container: it is handed over at a stop, and gone on with after a kill."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from standins.caller import Caller
from tests.image.node import Node
from tests.parts.image import Image
from tests.parts.object_stores import running_versitygw
from tests.rooms.deployment import START_S, deploy
from tests.rooms.deployment import place as new_place
from tests.rooms.struck import struck
from tests.rooms.surroundings import Surroundings
from tests.rooms.test_hand_over import check as check_hand_over
from tests.rooms.test_resumption import check as check_resumption
from tests.rooms.worker_process import WorkerProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("linux", "root", "buildah", "debootstrap", "livekit-server", "flite"),
    pytest.mark.timeout(1200),
]

BUCKET = "transcripts"
"""The S3 server keeps a bucket as a directory of that name, and so as a worker that stores in a directory does."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Surroundings]:
    with new_place(tmp_path) as place:
        yield place


@pytest.mark.needs("versitygw")
async def test_a_container_that_is_stopped_hands_its_call_over_to_one_on_another_node(
    image: Image, place: Surroundings, tmp_path: Path
) -> None:
    with running_versitygw(tmp_path / "s3") as s3:
        s3.new_bucket(BUCKET)
        bucket = {
            "VERBATIM_STORAGE__URL": f"s3://{BUCKET}",
            "VERBATIM_STORAGE__ENDPOINT": s3.endpoint,
            "VERBATIM_STORAGE__ALLOW_HTTP": "true",
            **s3.environment,
        }

        def start(place: Surroundings, name: str, **settings: str) -> contextlib.AbstractContextManager[WorkerProcess]:
            return Node(image, place, tmp_path / name).working(bucket | settings)

        survivors, status = await deploy(place, calls=1, drain_s=2.0, start=start)
        assert status == 0
        assert s3.data is not None
        await check_hand_over(replace(place, directory=s3.data), survivors)
    assert not list(tmp_path.glob("*/journals/*/*.jsonl"))


async def test_a_container_that_is_killed_goes_on_with_its_call_when_it_is_started_again(
    image: Image, place: Surroundings
) -> None:
    node = Node(image, place, place.directory)
    runs = [node.launch({})]

    async def strike(_: Caller) -> None:
        runs[-1].signal(signal.SIGKILL)
        await asyncio.to_thread(runs[-1].wait, START_S)
        runs.append(node.launch({}))

    try:
        await asyncio.to_thread(runs[0].wait_until_ready, START_S)
        call = await struck(place, strike)
        await check_resumption(place, call)
        runs[-1].signal(signal.SIGTERM)
        assert await asyncio.to_thread(runs[-1].wait, START_S) == 0
    finally:
        for run in runs:
            run.stop()
