"""A worker in a container of the image, on a node's disk: the next one there finds what the one before has left."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.parts.image import Image
from tests.parts.livekit_server import free_ports
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import WorkerProcess

LOG_SHOWN = 6000
"""Characters of the end of its log that a worker's failure is shown with."""

SLOW_MACHINE = {"VERBATIM_AGENT__SILENCE_PROMPT": "0", "VERBATIM_FLEET__MAX_LOOP_LAG_MS": "60000"}
"""A caller who waits for it is not asked whether they are there, and no call refused for its slowness."""


@dataclass(frozen=True, slots=True)
class Node:
    """Where containers run, one after the other.

    Attributes:
        image: Theirs.
        place: What they work with.
        disk: Holds their volumes, and their logs.
    """

    image: Image
    place: Surroundings
    disk: Path

    def launch(self, settings: Mapping[str, str]) -> WorkerProcess:
        """Starts a worker for `verbatim`, which its caller has to stop; each adds to the same log."""
        self.disk.mkdir(exist_ok=True)
        log = self.disk / "worker.log"
        (port,) = free_ports(1)
        own = {
            "VERBATIM_AGENT__NAME": "verbatim",
            "VERBATIM_STORAGE__URL": "file:///data/transcripts",
            "VERBATIM_STORAGE__JOURNAL_DIR": "/data/journals",
            **SLOW_MACHINE,
        }
        variables = self.place.variables(port, own | dict(settings))
        return WorkerProcess(self.image.launch(self.disk, log, variables), log, port)

    @contextlib.contextmanager
    def working(self, settings: Mapping[str, str]) -> Iterator[WorkerProcess]:
        """Runs a worker as `launch` does until the block ends."""
        worker = self.launch(settings)
        try:
            yield worker
        except BaseException:
            print(worker.log[-LOG_SHOWN:])
            raise
        finally:
            worker.stop()
