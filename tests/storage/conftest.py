"""A local store and a directory of journals, both empty."""

from pathlib import Path

import pytest

from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"
