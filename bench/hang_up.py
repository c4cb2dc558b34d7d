"""How long a transcript takes from the moment in which the caller hangs up, no words pending: ours and the guide's.

    python -m bench.hang_up [--calls 20] [--store directory|s3] [--json] [--keep]

Calls alternate between the two workers, in real rooms. Each caller asks one question, hears the answer, and leaves.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.rooms import QUESTIONS, surroundings
from bench.verdict import Verdict, add_arguments, conclude, percentile
from standins.caller import Caller
from tests.parts.object_stores import running_versitygw
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import working

BARS_S = {"directory": 0.5, "s3": 1.0}
"""By where our worker stores: in a local directory as the guide's does, or in a real S3 server on this machine."""

LOOKED_EVERY_S = 0.005
PATIENCE_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hang_up", description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="of each worker")
    parser.add_argument("--store", choices=BARS_S, default="directory", help="where our worker stores")
    add_arguments(parser)
    options = parser.parse_args()
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as name:
        ours, guide = _measure(Path(name), options.calls, options.store)
    p95 = percentile(ours, 95)
    figures = {
        "calls_each": options.calls,
        "ours_p50_ms": round(1000 * percentile(ours, 50)),
        "ours_p95_ms": round(1000 * p95),
        "ours_max_ms": round(1000 * max(ours)),
        "guide_p50_ms": round(1000 * percentile(guide, 50)),
        "guide_p95_ms": round(1000 * percentile(guide, 95)),
    }
    bar_s = BARS_S[options.store]
    bar = f"caller leaves to transcript stored, {options.store}, no words pending: p95 at most {bar_s} s"
    name = "hang-up" if options.store == "directory" else f"hang-up-{options.store}"
    return conclude(Verdict(name, bar, p95 <= bar_s, figures), options, began)


def _measure(directory: Path, calls: int, store: str) -> tuple[list[float], list[float]]:
    with (
        surroundings(directory) as around,
        _stored_in(store, around) as (settings, transcripts),
        working(around, "verbatim", {"VERBATIM_AGENT__GREETING": "", **settings}),
        _guide(around) as guide_transcripts,
    ):
        ours: list[float] = []
        guide: list[float] = []
        for call in range(calls + 1):
            a = asyncio.run(_hang_up(around, "verbatim", lambda room: _is_stored(transcripts, room)))
            b = asyncio.run(_hang_up(around, "guide", lambda room: (guide_transcripts / f"{room}.json").exists()))
            if call:  # the first of each warms up what all share
                ours.append(a)
                guide.append(b)
                print(f"{call:3}: ours {1000 * a:5.0f} ms, guide {1000 * b:5.0f} ms", file=sys.stderr)
        return ours, guide


async def _hang_up(around: Surroundings, agent: str, stored: Callable[[str], bool]) -> float:
    room = new_room(agent)
    async with Caller() as caller:
        await caller.join(around.livekit.url, around.invite(room, agent=agent))
        await caller.wait_for_agent()
        await caller.speak(QUESTIONS[0])
        await caller.listen()
        left_at = time.monotonic()
        leaving = asyncio.create_task(caller.hang_up())
        async with asyncio.timeout(PATIENCE_S):
            while not stored(room):  # noqa: ASYNC110 - a directory tells nobody that it changed
                await asyncio.sleep(LOOKED_EVERY_S)
        took = time.monotonic() - left_at
        await leaving
    return took


@contextlib.contextmanager
def _stored_in(store: str, around: Surroundings) -> Iterator[tuple[dict[str, str], Path]]:
    """Yields the settings of the store, and the directory in which what it has can be seen."""
    if store == "directory":
        yield {}, around.transcripts
        return
    with running_versitygw(around.directory / "s3") as server:
        bucket = server.new_bucket()
        assert server.data is not None
        address = {"VERBATIM_STORAGE__URL": f"s3://{bucket}", "VERBATIM_STORAGE__ENDPOINT": server.endpoint}
        yield address | server.environment, server.data / bucket


def _is_stored(transcripts: Path, room: str) -> bool:
    manifests = transcripts.glob(f"*/*/*/{room}/*/manifest.json")
    return any('"final"' in manifest.read_text() for manifest in manifests)


@contextlib.contextmanager
def _guide(around: Surroundings) -> Iterator[Path]:
    """Runs the guide's worker; yields where it writes."""
    transcripts = around.directory / "guide"
    transcripts.mkdir()
    environment = around.environment(0, {}) | {
        "GUIDE_STT_URL": around.assemblyai.websocket_url,
        "GUIDE_TRANSCRIPTS": str(transcripts),
    }
    log_file = around.directory / "guide.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.guide_worker"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=os.environ | environment,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline()) != b"ready\n":
            if not line:
                raise RuntimeError("the guide's worker did not start")
        yield transcripts
    except BaseException as error:
        error.add_note(f"the guide's worker:\n{log_file.read_text()[-4000:]}")
        raise
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    sys.exit(main())
