"""The rooms of the measurements: a real livekit-server, and stand-ins of the services that cost next to no CPU."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tests.parts.livekit_server import running
from tests.parts.standins import standin
from tests.rooms.surroundings import Surroundings

QUESTIONS = ["Do you sell gift cards?", "I forgot my password.", "That is all for today."]
"""What the recogniser hears, whatever is said; each caller begins with the first."""


@contextlib.contextmanager
def surroundings(directory: Path) -> Iterator[Surroundings]:
    """Yields what a worker needs; its files are kept in `directory`."""
    texts = directory / "texts.json"
    texts.write_text(json.dumps(QUESTIONS))
    light = ["--engine", "light", "--words-file", str(texts)]
    with (
        running(directory) as livekit,
        standin("assemblyai", light, directory / "assemblyai.log") as assemblyai,
        standin("openai", [], directory / "openai.log") as openai,
    ):
        yield Surroundings(livekit, assemblyai, openai, directory)
