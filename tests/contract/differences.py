"""What a service and its stand-in sent differently in the same exchange, as sentences. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.contract.recording import Frame, Recording
from tests.contract.without_text import NO_TEXT, NUMBER, TEXT

Fields = dict[str, set[str]]
"""The types in which each field of a kind of message came, by its path: `words[].start`."""


def differences(vendor: Recording, standin: Recording, name: str) -> list[str]:
    """Return one sentence for each thing that differs.

    Times are left out: they always differ.

    Args:
        vendor: What the service sent.
        standin: What the stand-in sent in the same probe.
        name: The service's name.
    """
    return [*_end(vendor, standin, name), *_kinds(vendor, standin, name), *_order(vendor, standin, name)]


def steps(frames: Sequence[Frame]) -> list[str]:
    """Return the order of the messages, repetitions of the same step left out."""
    names = [_step(frame) for frame in frames]
    return [name for place, name in enumerate(names) if place == 0 or name != names[place - 1]]


def fields(frames: Sequence[Frame]) -> Fields:
    """Return all fields of some frames with the types that they had."""
    found: Fields = {}
    for frame in frames:
        for path, kind in _walk(frame.form, ""):
            found.setdefault(path, set()).add(kind)
    return found


def _end(vendor: Recording, standin: Recording, name: str) -> Iterator[str]:
    if vendor.in_time != standin.in_time:
        late, other = (name, "the stand-in") if standin.in_time else ("The stand-in", name)
        yield f"{late} did not come to the end of the exchange in time, {other} did."
    for words, theirs, ours in (
        ("HTTP status", vendor.status, standin.status),
        ("close code", vendor.close_code, standin.close_code),
        ("content type", vendor.content_type, standin.content_type),
    ):
        if theirs != ours:
            yield f"{name} answers with {_said(words, theirs)}, the stand-in with {_said(words, ours)}."
    for fact in sorted(vendor.facts.keys() | standin.facts.keys()):
        theirs, ours = vendor.facts.get(fact), standin.facts.get(fact)
        # Sizes differ from one synthesis to the next; whether there is any does not.
        if not fact.endswith(("_bytes", "_ms")) and theirs != ours:
            yield f"`{fact}` is {theirs} at {name} and {ours} at the stand-in."


def _said(words: str, value: object) -> str:
    return f"no {words}" if value is None else f"{words} {value}"


def _kinds(vendor: Recording, standin: Recording, name: str) -> Iterator[str]:
    for kind in dict.fromkeys(frame.kind for frame in (*vendor.frames, *standin.frames)):
        theirs, ours = vendor.of_kind(kind), standin.of_kind(kind)
        if not ours:
            yield f"{name} sends {kind}, the stand-in does not."
        elif not theirs:
            yield f"The stand-in sends {kind}, {name} does not."
        else:
            yield from _fields_of(kind, fields(theirs), fields(ours), name)


def _fields_of(kind: str, theirs: Fields, ours: Fields, name: str) -> Iterator[str]:
    for path in dict.fromkeys([*theirs, *ours]):
        if path in theirs and path in ours:
            if theirs[path] != ours[path]:
                yield (
                    f"{name} sends `{path}` in {kind} as {_types(theirs[path])}, the stand-in as {_types(ours[path])}."
                )
        elif path in theirs and _could_hold(path, ours):
            yield f"{name} sends `{path}` ({_types(theirs[path])}) in {kind}, the stand-in does not."
        elif path in ours and _could_hold(path, theirs):
            yield f"The stand-in sends `{path}` ({_types(ours[path])}) in {kind}, {name} does not."


def _could_hold(path: str, other: Mapping[str, set[str]]) -> bool:
    """Whether what contains the field came at all: of an empty list nobody knows the entries."""
    parent = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
    if path.endswith("[]"):
        return False
    return not parent or "an object" in other.get(parent, set())


def _types(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _order(vendor: Recording, standin: Recording, name: str) -> Iterator[str]:
    theirs, ours = steps(vendor.frames), steps(standin.frames)
    if theirs != ours:
        yield f"{name} sends {_sequence(theirs)}; the stand-in sends {_sequence(ours)}."


def _sequence(names: list[str]) -> str:
    return ", then ".join(names) or "nothing"


def _step(frame: Frame) -> str:
    if frame.kind != "Turn" or not isinstance(frame.form, dict):
        return frame.kind
    if frame.form.get("end_of_turn"):
        return "a formatted final" if frame.form.get("turn_is_formatted") else "a final"
    return "a partial with an utterance" if frame.form.get("utterance") == TEXT else "partials"


def _walk(form: Any, path: str) -> Iterator[tuple[str, str]]:
    """The paths in a form and their types; a message itself has no path."""
    match form:
        case {"count": int(), "each": list(entries)}:
            yield path, "a list"
            for entry in entries:
                yield from _walk(entry, f"{path}[]")
        case dict():
            if path:
                yield path, "an object"
            for name, value in form.items():
                yield from _walk(value, f"{path}.{name}" if path else name)
        case bool():
            yield path, "true or false"
        case None:
            if path:
                yield path, "null"
        case int() | float():
            yield path, NUMBER
        case "text" | "no text" | "number":
            yield path, TEXT if form == NO_TEXT else form
        case str():
            yield path, f'"{form}"'
