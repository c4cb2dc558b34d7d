"""Kills writing processes at random moments and compares what they were told with what can be read.

    python -m tests.storage.journal.killed_writer ROUNDS SEED DIRECTORY

The last line of the output is a JSON object with the sums. Each round forks a child from this process, which has
imported everything once and has no threads. The child appends numbered notes and tells each one that was accepted
over a pipe; in every third round its disk fails now and then.
"""

import asyncio
import json
import logging
import os
import random
import select
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.storage.disks import TroubledDisk
from tests.storage.reading import files, read
from worker.storage.disk import Disk
from worker.storage.journal.journal import Journal
from worker.storage.journal.lock import held
from worker.storage.names import journal_path
from worker.transcript.events import Note

MOST_ACCEPTED = 60
"""A child is killed after at most so many acceptances, and a moment."""
MOMENT_S = 0.003
BEGINNING_S = 0.02
"""Within this time a child is killed that is not to get any further than its beginning."""
GIVE_UP_S = 30
TASKS = 4


async def write_for_ever(directory: Path, chance: random.Random, pipe: int) -> None:
    troubled = chance.randrange(3) == 0
    disk = TroubledDisk() if troubled else Disk()
    journal = await Journal.create(directory, "RM_1-verbatim", "AJ_1", disk=disk, retry_s=0.001)
    numbers = iter(range(10**9))

    async def append() -> None:
        while True:
            if isinstance(disk, TroubledDisk):
                disk.allow()
                if chance.randrange(10) == 0:
                    disk.refuse(chance.choice(["write", "sync", "create", "sync_directory"]))
            number = next(numbers)
            answer = journal.append(Note(text=f"{number} {'x' * chance.randrange(5000)}"))
            accepted = await answer
            if accepted.durable:
                os.write(pipe, b"%d %d\n" % (accepted.seq, number))
            else:
                await asyncio.sleep(0.001)  # a call goes on as fast as people talk

    await asyncio.gather(*[append() for _ in range(chance.choice([1, TASKS]))])


def kill_one(directory: Path, chance: random.Random) -> tuple[list[tuple[int, int]], int]:
    """Run a child until it is killed; return what it was told (seq and number) and how it ended."""
    reading, writing = os.pipe()
    seed, wanted = chance.random(), chance.randrange(MOST_ACCEPTED)
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.close(reading)
            asyncio.run(write_for_ever(directory, random.Random(seed), writing))
        os._exit(1)
    os.close(writing)
    told = b""
    until = time.monotonic() + GIVE_UP_S
    while told.count(b"\n") < wanted and time.monotonic() < until:
        if select.select([reading], [], [], 1)[0]:
            piece = os.read(reading, 65536)
            if not piece:
                break
            told += piece
    time.sleep(chance.uniform(0, MOMENT_S if wanted else BEGINNING_S))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while piece := os.read(reading, 65536):
        told += piece
    os.close(reading)
    accepted = [line.split() for line in told.splitlines()]
    return [(int(seq), int(number)) for seq, number in accepted], status


def examine(directory: Path, accepted: list[tuple[int, int]]) -> Counter[str]:
    """Count what is not as it should be in a dead child's journal."""
    journal = journal_path(directory, "RM_1-verbatim", "AJ_1")
    reading = read(journal)
    events = [record.event for record in reading.records]
    numbers = [int(event.text.split()[0]) for event in events if isinstance(event, Note)]
    at = {seq: int(event.text.split()[0]) for seq, event in enumerate(events) if isinstance(event, Note)}
    for path in files(journal):
        with held(path):
            pass
    return Counter(
        accepted=len(accepted),
        read=len(events),
        lost=sum(at.get(seq) != number for seq, number in accepted),
        duplicated=len(numbers) - len(set(numbers)),
        wrong=int(numbers != sorted(numbers)) + int(reading.stop is not None and not reading.torn),
        successors=max(0, len(files(journal)) - 1),
    )


def main() -> None:
    logging.disable()
    rounds, seed, base = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    chance = random.Random(seed)
    sums: Counter[str] = Counter(kills=0, lost=0, duplicated=0, wrong=0)
    for number in range(rounds):
        directory = base / str(number)
        accepted, status = kill_one(directory, chance)
        if not os.WIFSIGNALED(status):
            sys.exit(f"round {number} of seed {seed}: the child ended by itself")
        sums += Counter(kills=1) + examine(directory, accepted)
        shutil.rmtree(directory, ignore_errors=True)
    counts = {name: sums[name] for name in ("kills", "accepted", "read", "lost", "duplicated", "wrong", "successors")}
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
