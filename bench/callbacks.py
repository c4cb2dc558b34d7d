"""How long our code holds the event loop that carries the audio, callback by callback, in real calls.

    python -m bench.callbacks [--calls 3] [--json] [--keep]

Linux only: the time that a thread waits for a processor is read from /proc.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.rooms import QUESTIONS, surroundings
from bench.verdict import Verdict, add_arguments, conclude, percentile
from standins.caller import Caller
from tests.parts.availability import PROJECT
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.worker_process import working

BAR_MS = 2.0
PROBE = PROJECT / "bench" / "callback_probe"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.callbacks", description=__doc__)
    parser.add_argument("--calls", type=int, default=3)
    add_arguments(parser)
    options = parser.parse_args()
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as name:
        found = _measure(Path(name), options.calls)
    audio = [1000 * seconds for one in found for seconds in one["seconds"]["audio"]]
    others = [1000 * seconds for one in found for phase in ("before", "after") for seconds in one["seconds"][phase]]
    slow = [each for one in found for each in one["slow"]]
    over = Counter(each["began_with"] for each in slow if each["phase"] == "audio" and each["ms"] > BAR_MS)
    figures = {
        "calls": options.calls,
        "callbacks_with_audio": len(audio),
        "p50_ms": round(percentile(audio, 50), 3),
        "p99_ms": round(percentile(audio, 99), 3),
        "max_ms": round(max(audio), 3),
        "over_the_bar": dict(over),
        "before_and_after_max_ms": round(max(others), 3),
        "slowest": sorted(slow, key=lambda each: -each["ms"])[:12],
    }
    bar = f"no callback of ours over {BAR_MS} ms while there is audio"
    return conclude(Verdict("callbacks", bar, max(audio) <= BAR_MS, figures), options, began)


def _measure(directory: Path, calls: int) -> list[dict[str, Any]]:
    probes = directory / "probes"
    probes.mkdir()
    settings = {"CALLBACK_PROBE": str(probes), "PYTHONPATH": f"{PROBE}:{PROJECT}"}
    with surroundings(directory) as around, working(around, "verbatim", settings):
        for call in range(calls):
            asyncio.run(_call(around, probes, call + 1))
    return [json.loads(file.read_text()) for file in probes.glob("*.json")]


async def _call(around: Surroundings, probes: Path, number: int) -> None:
    room = new_room("callbacks")
    async with Caller() as caller:
        await caller.join(around.livekit.url, around.invite(room))
        await caller.wait_for_agent()
        await caller.listen()
        for question in QUESTIONS:
            await caller.speak(question)
            await caller.listen()
    await around.stored(room)

    def written() -> bool | None:
        return True if len(list(probes.glob("*.json"))) >= number else None

    await until(lambda: asyncio.to_thread(written), 30, "a job's process did not end")


if __name__ == "__main__":
    sys.exit(main())
