"""Whether a stored session is what was stored: every file against the manifest, every journal against its chain.

What this cannot notice: files that were all made anew, the manifest included. A chain is no signature.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from pydantic import ValidationError

from worker.transcript.errors import ReplayError
from worker.transcript.events import PartStarted
from worker.transcript.integrity import FORMAT, Manifest, StoredPart, manifest_of, stored_file
from worker.transcript.line import Record
from worker.transcript.model import SCHEMA, Transcript
from worker.transcript.reading import Reading, read_lines
from worker.transcript.render import json
from worker.transcript.replay import replay

MANIFEST = "manifest.json"
TRANSCRIPT = "transcript.json"
PARTS = "parts/"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found."""

    file: str
    """Relative to the manifest."""
    reason: str
    """In words, without anything that was said."""
    line: int | None = None
    """Of a journal, from 1: the first that is not what was written."""
    wrong: bool = True
    """`False`: worth knowing, and no sign of a change."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class _Part:
    """One part's journal as it is stored."""

    last: str
    """Name of its last file."""
    reading: Reading
    is_whole: bool
    """All files are there and follow one another."""

    @property
    def job(self) -> str:
        """The job as its first line says, else as its directory is called."""
        first = self.reading.records[0].event if self.reading.records else None
        return first.job if isinstance(first, PartStarted) else unquote(self.last.split("/")[1])


def check(manifest: Manifest, files: Mapping[str, bytes]) -> list[Finding]:
    """Return everything that is wrong with a stored session; nothing if it is what was stored.

    Args:
        manifest: what was stored.
        files: content of the files beside it, by their name relative to it: `parts/AJ_1/000001.jsonl`.
    """
    if manifest.format != FORMAT:
        return [Finding(MANIFEST, f"its form is {manifest.format}, this version reads {FORMAT}: use a newer one")]
    findings = list(_files(manifest, files))
    parts: list[_Part] = []
    for names in _journals([*manifest.files, *files]):
        part, trouble = _read(names, files)
        findings += trouble
        parts.append(part)
    findings += _chain_ends(manifest, parts)
    if not findings:
        findings += _contents(manifest, files, {part.job: part.reading for part in parts})
    return findings


def _files(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Finding]:
    for name, described in manifest.files.items():
        content = files.get(name)
        if content is None:
            yield Finding(name, "it is missing, and the manifest names it")
        elif len(content) != described.size:
            yield Finding(name, f"it has {len(content)} bytes, not {described.size} as the manifest says")
        elif stored_file(content) != described:
            yield Finding(name, "its SHA-256 is not the one that the manifest names")
    for name in files:
        if name not in manifest.files and name.startswith((PARTS, "transcript.")):
            yield Finding(name, "the manifest does not name it: it was added, or storing it did not come to its end")


def _journals(names: Iterable[str]) -> list[list[str]]:
    """Return the names of each part's files, in their order."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if name.startswith(PARTS) and name.endswith(".jsonl") and name.count("/") == 2:
            found[name.rpartition("/")[0]].add(name)
    return [sorted(found[directory]) for directory in sorted(found)]


def _read(names: Sequence[str], files: Mapping[str, bytes]) -> tuple[_Part, list[Finding]]:
    """Return the part that `names` hold, as far as it can be trusted, and its first line that cannot."""
    records: list[Record] = []
    size = 0
    for name in names:
        if name not in files:
            break
        reading = read_lines(files[name], len(records), records[-1].h if records else "")
        records += reading.records
        size += reading.size
        if reading.stop is not None:
            part = _Part(name, Reading(tuple(records), reading.stop, size), is_whole=False)
            return part, [Finding(name, reading.stop.reason, reading.stop.line)]
    return _Part(names[-1], Reading(tuple(records), None, size), is_whole=names[-1] in files), []


def _chain_ends(manifest: Manifest, parts: Iterable[_Part]) -> Iterator[Finding]:
    """Compare each chain with the end that the manifest names: the loss of whole lines at the end shows only there."""
    described = {part.job: part for part in manifest.parts}
    for part in parts:
        known = described.pop(part.job, None)
        if known is None:
            yield Finding(part.last, f"the manifest does not name its job, {part.job}")
        elif part.is_whole and (reason := _chain_end(known, part.reading.records)):
            yield Finding(part.last, reason)
    for lacking in described.values():
        yield Finding(f"{PARTS}{lacking.job}", f"no line of the journal of part {lacking.part} is here")


def _chain_end(known: StoredPart, records: Sequence[Record]) -> str | None:
    here = len(records)
    if here < known.events:
        return f"it ends after {here} lines of its part, and the manifest names {known.events}: the rest is missing"
    if known.events < 1 or records[known.events - 1].h != known.head:
        return f"the chain link of seq {known.events - 1} is not the one that the manifest names: lines were rewritten"
    if here > known.events:
        return f"it ends after {here} lines of its part, and the manifest names {known.events}: the rest was added"
    return None


def _contents(manifest: Manifest, files: Mapping[str, bytes], readings: Mapping[str, Reading]) -> Iterator[Finding]:
    """Compare manifest, transcript and journal with each other, where each by itself is as it was stored."""
    try:
        told = replay(list(readings.values()))
        stored = json.read(files[TRANSCRIPT])
    except ReplayError as error:
        yield Finding(MANIFEST, f"there is no transcript to compare: {error}")
        return
    except (KeyError, ValidationError):
        yield Finding(TRANSCRIPT, "it is not there, or no transcript")
        return
    if stored.schema_ != SCHEMA:
        reason = f"its form is {stored.schema_}, this version writes {SCHEMA}: it was not compared with the journal"
        yield Finding(TRANSCRIPT, reason, wrong=False)
        return
    if {part.job for part in stored.parts} != readings.keys():
        yield Finding(TRANSCRIPT, "it was made of other parts than are stored here")
        return
    named = {name: files[name] for name in manifest.files}
    from_segments = {part.job for part in manifest.parts if part.source == "segments"}
    wanted = manifest_of(stored, readings, named, manifest.generation, from_segments)
    described = manifest.model_copy(update={"state": wanted.state})
    differing = [name for name in Manifest.model_fields if getattr(described, name) != getattr(wanted, name)]
    if differing:
        yield Finding(MANIFEST, f"{TRANSCRIPT} and the journal say otherwise on: {', '.join(differing)}")
    elif not _same(stored, told):
        reason = "it is not what this version makes of the journal: another wrote it, or the manifest was changed too"
        yield Finding(TRANSCRIPT, reason, wrong=False)


def _same(stored: Transcript, told: Transcript) -> bool:
    """Compare but for gaps that only the writer knew of: that its journal was damaged is not in the lines it kept."""
    if not set(told.gaps) <= set(stored.gaps):
        return False
    return told.model_copy(update={"gaps": stored.gaps, "complete": stored.complete}) == stored
