"""How long callers hear nothing while their worker is replaced by another one.

    python -m bench.deploy [--calls 6] [--drain 20] [--json] [--keep]

All callers talk while their worker is stopped and another one runs. The silence of a call is its longest wait for an
answer from then on, until the new agent has answered twice; so it holds what an answer takes anyhow.
"""

import argparse
import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.verdict import Verdict, add_arguments, conclude, percentile
from tests.rooms.deployment import deploy, place

BAR_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.deploy", description=__doc__)
    parser.add_argument("--calls", type=int, default=6, help="that run meanwhile")
    parser.add_argument("--drain", type=float, default=20.0, help="seconds in which they may end by themselves")
    add_arguments(parser)
    options = parser.parse_args()
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as directory, place(Path(directory)) as around:
        survivors, status = asyncio.run(deploy(around, options.calls, options.drain))
    silences = [each.silence_s for each in survivors]
    overlapping = sum(each.overlapping for each in survivors)
    figures = {
        "calls": options.calls,
        "drain_s": options.drain,
        "silence_p50_s": round(percentile(silences, 50), 2),
        "silence_p95_s": round(percentile(silences, 95), 2),
        "silence_max_s": round(max(silences), 2),
        "two_agents_at_once": overlapping,
        "exit_status": status,
    }
    met = percentile(silences, 95) <= BAR_S and overlapping == 0 and status == 0
    bar = f"silence at a deploy, p95 at most {BAR_S:.0f} s, and never two agents at once"
    return conclude(Verdict("deploy", bar, met, figures), options, began)


if __name__ == "__main__":
    sys.exit(main())
