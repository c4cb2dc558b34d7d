"""The light stand-in for the tests of the wire; `test_speech.py` asks for the other engine."""

import json
from collections.abc import Iterator, Sequence

import pytest

from tests.parts.standins import Standin

TEXTS = ["What are your opening hours?", "I would like", "to book a table.", "Thank you."]


@pytest.fixture(scope="module")
def assemblyai_arguments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    words = tmp_path_factory.mktemp("words") / "words.json"
    words.write_text(json.dumps(TEXTS), encoding="utf-8")
    return ("--engine", "light", "--words-file", str(words))


@pytest.fixture
def assemblyai_standin(assemblyai_standin: Standin) -> Iterator[Standin]:
    """The module's stand-in; scripts that the test gave end with the test, too."""
    yield assemblyai_standin
    assemblyai_standin.call("DELETE", "/control/script")
