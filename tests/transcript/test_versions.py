"""What any release stored is read by this one, and tells what it told then.

`versions/<number>` holds sessions as they were stored under that number of journal, transcript and manifest.
These files are never changed and never made anew: a test that fails here says that a release breaks its users.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from worker.transcript.checking import check
from worker.transcript.errors import LineNewer
from worker.transcript.integrity import Manifest
from worker.transcript.joining import join_files
from worker.transcript.reading import read_lines
from worker.transcript.render import FORMATS
from worker.transcript.render import json as as_json
from worker.transcript.replay import replay

VERSIONS = Path(__file__).parent / "versions"
SESSIONS = sorted(path.parent for path in VERSIONS.glob("*/*/manifest.json"))

each_session = pytest.mark.parametrize("session", SESSIONS, ids=lambda path: f"{path.parent.name}-{path.name}")


def files_of(session: Path) -> dict[str, bytes]:
    return {
        path.relative_to(session).as_posix(): path.read_bytes() for path in sorted(session.rglob("*")) if path.is_file()
    }


def has_all(now: Any, then: Any) -> bool:
    """Return whether everything that was told then is told now; a newer release may tell more of each thing."""
    if isinstance(then, Mapping):
        return isinstance(now, Mapping) and all(name in now and has_all(now[name], then[name]) for name in then)
    if isinstance(then, list | tuple):
        return len(now) == len(then) and all(map(has_all, now, then))
    return bool(now == then)


def test_there_are_sessions_of_each_version() -> None:
    assert {path.parent.name for path in SESSIONS} == {"1"}
    assert len(SESSIONS) >= 15


@each_session
def test_a_journal_tells_what_it_told(session: Path) -> None:
    journals = sorted({path.parent for path in session.glob("parts/*/*.jsonl")})
    readings = [read_lines(b"".join(path.read_bytes() for path in sorted(journal.iterdir()))) for journal in journals]
    assert [reading.stop for reading in readings] == [None] * len(journals)
    told = replay(readings).model_dump(mode="json", by_alias=True)
    then = as_json.read((session / "transcript.json").read_bytes()).model_dump(mode="json", by_alias=True)
    assert has_all(told, then)


@each_session
def test_a_transcript_is_read_and_every_form_made_of_it(session: Path) -> None:
    content = (session / "transcript.json").read_bytes()
    transcript = as_json.read(content)
    assert transcript.schema_ == "verbatim.transcript/1"
    for render in FORMATS.values():
        render(transcript)


@each_session
def test_a_stored_session_is_found_to_be_whole(session: Path) -> None:
    files = files_of(session)
    findings = check(Manifest.model_validate_json(files["manifest.json"]), files)
    assert [finding for finding in findings if finding.wrong] == []


def test_what_a_later_release_adds_is_passed_over() -> None:
    data = (VERSIONS / "journal-1-of-a-later-release" / "AJ_1.jsonl").read_bytes()
    reading = read_lines(data)
    assert reading.stop is None
    assert [record.kind for record in reading.records if record.event is None] == ["mood"]
    told = replay([reading])
    assert told.complete
    assert told.turns == as_json.read((VERSIONS / "1" / "short-call" / "transcript.json").read_bytes()).turns


@pytest.mark.parametrize(("name", "understood"), [("AJ_1", 0), ("AJ_2", 3)])
def test_a_journal_of_a_newer_version_is_named_and_not_read_on(name: str, understood: int) -> None:
    data = (VERSIONS / "journal-2" / f"{name}.jsonl").read_bytes()
    for reading in (read_lines(data), join_files([data])[1]):
        assert len(reading.records) == understood
        assert isinstance(reading.stop, LineNewer)
        assert str(reading.stop) == f"line {understood + 1}: format version is 2, this program reads up to 1"
