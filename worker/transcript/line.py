"""One event as one line of the journal.

Shape: a JSON object in UTF-8 and a line feed. `v` comes first (format version), then `seq` (0, 1, 2 … without
gaps), `at` (RFC 3339, UTC, milliseconds), `ms` (milliseconds since the part began, monotonic), `kind`, the
kind's own fields (one that is not known is left out), and last `h`, the link of the chain: the first 16 hex
digits of SHA-256 over the previous line's `h` (nothing for the first line) and this line's own bytes up to
`,"h":`. Nobody who checks a chain ever has to write JSON.

    {"v":1,"seq":0,"at":"2026-11-21T10:00:00.000Z","ms":7,"kind":"note","text":"hello","h":"3392b816896128a6"}

The chain notices every edit, swap, repetition and loss of lines, but not who made it: it is no signature.
`v`, `h` and the chain rule are the same in every version; what changes with `v` is what lies between.

Source: JSON, RFC 8259; times, RFC 3339; SHA-256, FIPS 180-4.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from worker.transcript.errors import LineDamaged, LineNewer, LineTorn
from worker.transcript.events import EVENT_OF_KIND, Event

VERSION = 1
"""The format version that `encode` writes, and the newest that `decode` reads."""

FIRST_FIELD = re.compile(rb'\{"v":([0-9]{1,18}),')
ENVELOPE = re.compile(
    rb'\{"v":[0-9]{1,18},"seq":([0-9]{1,18}),"at":"([ !#-\[\]-~]*)",'
    rb'"ms":(-?[0-9]{1,18}),"kind":"([ !#-\[\]-~]*)"(?=,|\Z)'
)
"""How every line of this version begins: numbers of at most 18 digits, text of printable ASCII without `"` and `\\`."""
LINK = re.compile(rb',"h":"([0-9a-f]{16})"\}\n\Z')
LINK_BYTES = len(b',"h":"0123456789abcdef"}\n')


@dataclass(frozen=True, slots=True)
class Record:
    """A line as read."""

    seq: int
    at: str
    """RFC 3339, UTC."""
    ms: int
    """Milliseconds since the part began."""
    kind: str
    event: Event | None
    """`None`: a kind, or a form of a kind, that this program does not know."""
    h: str


def encode(seq: int, at: str, ms: int, event: Event, previous: str) -> bytes:
    """Return the line for `event`, line feed included; `previous` is the `h` of the line before, or "".

    Never fails: a lone surrogate becomes U+FFFD, a number that is not finite is left out.
    """
    body: dict[str, Any] = {"v": VERSION, "seq": seq, "at": at, "ms": ms, "kind": event.kind}
    body |= _plain_fields(event)
    covered = json.dumps(body, ensure_ascii=False, separators=(",", ":"))[:-1].encode()
    return covered + b',"h":"' + _chain(previous, covered).encode() + b'"}\n'


def link(line: bytes) -> str:
    """Return the `h` of a line that `encode` wrote."""
    return line[-19:-3].decode("ascii")


def decode(line: bytes, seq: int, previous: str) -> Record:
    """Return the record that `encode` wrote as `line`, which must be number `seq` and follow `previous`.

    Raises:
        LineTorn: no line feed; harmless at the end of a file, damage anywhere else.
        LineDamaged: the line is not what was written here.
        LineNewer: whole, but of a format version above `VERSION`.
    """
    if not line.endswith(b"\n"):
        if _is_linked(line[:-1] + b"\n", previous):
            raise LineDamaged("the line feed at its end is another byte")
        raise LineTorn(f"{len(line)} bytes and no line feed")
    stored = _stored_link(line)
    if stored is None:
        raise LineDamaged(f"{len(line)} bytes that do not end in a chain link")
    covered, h = line[:-LINK_BYTES], stored
    actual = _chain(previous, covered)
    if h != actual:
        raise LineDamaged(f"chain link is {actual}, not {h} as stored")
    version = FIRST_FIELD.match(covered)
    if version is not None and int(version[1]) > VERSION:
        raise LineNewer(f"format version is {int(version[1])}, this program reads up to {VERSION}")
    envelope = ENVELOPE.match(covered)
    if envelope is None:
        raise LineDamaged("not the JSON object of an event")
    if int(envelope[1]) != seq:
        raise LineDamaged(f"seq is {int(envelope[1])}, not {seq}")
    at, ms, kind = envelope[2].decode("ascii"), int(envelope[3]), envelope[4].decode("ascii")
    if not _is_time(at):
        raise LineDamaged("at is not a time in UTC")
    return Record(seq, at, ms, kind, _event(kind, covered + b"}"), h)


def _stored_link(line: bytes) -> str | None:
    found = LINK.search(line, max(0, len(line) - LINK_BYTES))
    return found[1].decode("ascii") if found else None


def _is_linked(line: bytes, previous: str) -> bool:
    stored = _stored_link(line)
    return stored is not None and stored == _chain(previous, line[:-LINK_BYTES])


def _chain(previous: str, covered: bytes) -> str:
    return sha256(previous.encode() + covered).hexdigest()[:16]


def _is_time(at: str) -> bool:
    try:
        return at.endswith("Z") and datetime.fromisoformat(at).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _event(kind: str, line: bytes) -> Event | None:
    """Return the event that `line` holds, or `None` for one that this program does not know."""
    try:
        if kind in EVENT_OF_KIND:
            return _reader(kind).validate_json(line)
    except ValidationError:
        pass
    try:
        from_json(line)
    except ValueError:
        raise LineDamaged("not the JSON object of an event") from None
    return None


@cache
def _reader(kind: str) -> TypeAdapter[Event]:
    return TypeAdapter(EVENT_OF_KIND[kind])


def _plain_fields(value: Any) -> dict[str, Any]:
    plain = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return {name: content for name, content in plain.items() if content is not None}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return _without_lone_surrogates(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            plain = {_without_lone_surrogates(str(key)): _plain(each) for key, each in value.items()}
            return {key: each for key, each in plain.items() if each is not None}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            return _plain_fields(value)
        case _:
            return _without_lone_surrogates(str(value))


def _without_lone_surrogates(text: str) -> str:
    """Join surrogate pairs and replace lone ones: UTF-8 has no form for them."""
    if text.isascii():
        return str(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
