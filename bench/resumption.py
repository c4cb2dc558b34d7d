"""How long a caller hears nothing when the agent is killed in the middle of the call, until the next one is heard.

    python -m bench.resumption [--kill job|worker|node] [--calls 20] [--json] [--keep]

Killed is the call's own process, the whole worker, which is started again at once, or a worker with all its
processes while another one and `verbatim watch` run. Each call is checked: when the caller asks something else, the LLM
is told what they had said before. There is no figure of the guide's worker to set beside these: livekit-server sends
nobody after an agent that died, and its caller waits for ever.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.verdict import Verdict, add_arguments, conclude, percentile
from standins.caller import Caller
from tests.rooms.deployment import place, started, watcher
from tests.rooms.struck import PATIENT, kill_job, kill_node, struck
from tests.rooms.surroundings import Surroundings

BARS_S = {"job": 3.0, "worker": 8.0, "node": 35.0}
"""At the 95th percentile."""

Strike = Callable[[Caller], Awaitable[None]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.resumption", description=__doc__)
    parser.add_argument("--kill", choices=BARS_S, default="job", help="what is killed")
    parser.add_argument("--calls", type=int, default=20)
    add_arguments(parser)
    options = parser.parse_args()
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as name:
        silences, forgotten = asyncio.run(_measure(Path(name), options.kill, options.calls))
    p95, bar_s = percentile(silences, 95), BARS_S[options.kill]
    verdict = Verdict(
        f"resumption-{options.kill}",
        f"{options.kill} killed to agent heard: p95 at most {bar_s:g} s, and nothing forgotten",
        p95 <= bar_s and not forgotten,
        {
            "calls": len(silences),
            "silence_p50_s": round(percentile(silences, 50), 2),
            "silence_p95_s": round(p95, 2),
            "silence_max_s": round(max(silences), 2),
            "forgotten": forgotten,
        },
    )
    return conclude(verdict, options, began)


async def _measure(directory: Path, kill: str, calls: int) -> tuple[list[float], int]:
    """The silence of each call, and in how many of them the next agent did not know what was said before."""
    silences: list[float] = []
    forgotten = 0
    with place(directory) as around, contextlib.ExitStack() as stack:
        strike = await _strike(around, kill, stack)
        for number in range(1, calls + 1):
            call = await struck(around, strike)
            silences.append(call.silence_s)
            forgotten += not call.remembered
            print(f"{number:3}: {call.silence_s:6.2f} s", file=sys.stderr)
    return silences, forgotten


async def _strike(around: Surroundings, kill: str, stack: contextlib.ExitStack) -> Strike:
    """Starts what takes the calls, and returns what strikes it."""
    workers = [await started(stack, around, "worker-0", **PATIENT)]

    async def job(caller: Caller) -> None:
        await kill_job(caller, workers[-1].pid)

    async def worker(_: Caller) -> None:
        workers[-1].signal(signal.SIGKILL)
        workers.append(await started(stack, around, "worker-0", wait=False, **PATIENT))

    async def node(_: Caller) -> None:
        workers.append(await started(stack, around, f"worker-{len(workers)}", **PATIENT))
        await asyncio.to_thread(kill_node, workers[-2].pid)

    if kill == "node":
        stack.enter_context(watcher(around))
    return {"job": job, "worker": worker, "node": node}[kill]


if __name__ == "__main__":
    sys.exit(main())
