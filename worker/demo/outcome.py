"""The stored transcript of the demo's call."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from worker.demo.stage import Stage
from worker.storage import names

STORED_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the transcript lies, and how it reads."""

    directory: Path
    markdown: str


async def await_transcript(stage: Stage, room: str) -> Outcome:
    """Wait until the transcript of `room` is final.

    Raises:
        Failed: it is not within 20 s of the call's end.
    """
    root = stage.loaded.settings.storage.directory
    assert root is not None  # a demo is local
    deadline = time.monotonic() + STORED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        for directory in await asyncio.to_thread(_finished, root, room):
            markdown = await asyncio.to_thread((directory / "transcript.md").read_text, "utf-8")
            return Outcome(directory, markdown)
        await asyncio.sleep(0.1)
    raise stage.worker.failure(f"did not store the transcript within {STORED_WITHIN_SECONDS:.0f} s")


def _finished(root: Path, room: str) -> list[Path]:
    """Return the directories of the room's transcripts, those that have a manifest, whatever their date."""
    found = root.glob(f"*/*/*/{names.encode(room)}/*/{names.MANIFEST}")
    return [manifest.parent for manifest in found]
