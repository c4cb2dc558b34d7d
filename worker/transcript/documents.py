"""The published description of what is stored: the journal kind by kind, the manifest, and how they may change.

`python -m worker.transcript.documents > docs/reference/compatibility.md` renews the page.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from textwrap import dedent
from typing import get_args

from worker.transcript import events, integrity
from worker.transcript.events import EVENT_OF_KIND, EndReason, Note, Word
from worker.transcript.integrity import FORMAT
from worker.transcript.line import VERSION, encode
from worker.transcript.model import SCHEMA

EXAMPLE = encode(0, "2026-11-21T10:00:00.000Z", 7, Note(text="hello"), "").decode().strip()

INTRODUCTION = f"""\
# Compatibility

This page is made from the program's own documentation by
`python -m worker.transcript.documents > docs/reference/compatibility.md`.

Three formats outlive a release. Each has its own number, and a release that reads one number reads all before it.

| Format | Number | Now | Where |
| --- | --- | --- | --- |
| Journal line | `v` in each line | {VERSION} | `<storage.journal_dir>/<transcript id>/<job>.jsonl`, later `parts/` |
| Transcript | `schema` | `{SCHEMA}` | `transcript.json`, see [its schema](transcript.schema.json) |
| Manifest | `format` | `{FORMAT}` | `manifest.json` |

## How formats change

- A new kind of event, or a new field that may be missing, comes without a new number. Readers pass over kinds and
  fields that they do not know; a kind that is not known keeps its place in the chain.
- What a kind or a field means never changes, and neither do their names.
- A number rises only when a reader of the number before would tell something wrong by passing over what it
  does not know. The release notes say so.
- A line with a newer `v` ends the reading. The file is left as it is, nothing is stored from it, and the log, the
  recovery and `verbatim transcripts verify` name it with the version that it needs.
- A line of a known kind whose fields cannot be read is a gap in the transcript, which names the kind; what
  comes after it is read.
- A transcript that is final is not rendered again by a newer release, unless it is asked to or more of the call
  is found.
- The other files of a transcript (`md`, `txt`, `srt`, `vtt`) are for people: their layout may change with any
  release. Programs read `transcript.json`.

Journals, transcripts and manifests of every number are kept in `tests/transcript/versions/`, with what they tell.
They are never changed.

## Journal lines

One file a part, UTF-8, one JSON object a line, each ended by a line feed:

```json
{EXAMPLE}
```

| Field | Meaning |
| --- | --- |
| `v` | Version of the format. Always first. |
| `seq` | 0, 1, 2 … without gaps. Always second. |
| `at` | Time of day: RFC 3339, UTC, milliseconds. |
| `ms` | Milliseconds since the journal was opened; never runs backwards. |
| `kind` | What happened, see below. Its own fields follow; one that is not known is left out. |
| `h` | Link of the chain. Always last. |

`h` is the first 16 hexadecimal digits of SHA-256 over the `h` of the line before (nothing for the first line)
and the line's own bytes up to, and without, `,"h":`. Whoever checks a chain never has to write JSON. `v`, `seq`,
`h` and the rule of the chain are the same in every version.

A last line without a line feed was not accepted: the writer was stopped in the middle of it. Everything else that
does not fit ends the reading there, and is named by file, line and reason. The chain notices every edit, swap,
repetition and loss of lines, but for the loss of whole lines at the end; that shows against the manifest. It is no
signature: who can write all files anew can write another chain.

A journal whose disk failed goes on in `<job>.1.jsonl`, `<job>.2.jsonl` and so on. Such a file begins with the
lines that were not known to be on disk, the same bytes with the same `seq` and `h`, and goes on from there. Readers
take each `seq` once, from the first file that has it whole. What is stored under `parts/` has each line once.

## Kinds

A type in *italics* may be missing: it is then not known, or has the default. Times that end in `_ms` are
milliseconds since the journal was opened."""

MANIFEST = """\
## Manifest

Written last, beside the files that it vouches for. The same events give the same bytes on every node, so it holds
no time of its own making."""

TYPES: Mapping[str, str] = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "tuple[Word, ...]": "list of words",
    "Mapping[str, str]": "object of texts",
    "Mapping[str, int | float]": "object of numbers",
    "EndReason": ", ".join(f"`{reason}`" for reason in get_args(EndReason)),
    "Literal['speech', 'chat']": "`speech`, `chat`",
    "Literal['open', 'final']": "`open`, `final`",
    "Literal['journal', 'segments']": "`journal`, `segments`",
    "Room": "room: `name`, `sid`",
    "Counts": "counts, see below",
    "tuple[StoredPart, ...]": "list of parts, see below",
    "dict[FileName, StoredFile]": "object of files, see below",
}
"""Annotations in words."""


def page() -> str:
    """Return the page as Markdown, with a line feed at the end."""
    documented = _documented(events)
    blocks = [INTRODUCTION, f"### Word\n\nIn `words`.\n\n{_event_table(Word, documented)}"]
    for kind, event in EVENT_OF_KIND.items():
        about = _paragraphs(event)
        blocks.append(f"### `{kind}`\n\n{about}\n\n{_event_table(event, documented)}")
    blocks.append(MANIFEST)
    documented = _documented(integrity)
    for name, model in (
        ("`manifest.json`", integrity.Manifest),
        ("Part", integrity.StoredPart),
        ("File", integrity.StoredFile),
        ("Counts", integrity.Counts),
    ):
        rows = [
            (field, _typed(str(annotation), True), documented.get((model.__name__, field), ""))
            for field, annotation in inspect.get_annotations(model).items()
        ]
        blocks.append(f"### {name}\n\n{_paragraphs(model)}\n\n{_table(rows)}")
    return "\n\n".join(blocks) + "\n"


def _paragraphs(documented: type) -> str:
    return dedent(inspect.cleandoc(documented.__doc__ or ""))


def _event_table(event: type, documented: Mapping[tuple[str, str], str]) -> str:
    rows = []
    for field in fields(event):
        owner = next(each for each in event.__mro__ if field.name in inspect.get_annotations(each))
        is_required = field.default is MISSING and field.default_factory is MISSING
        rows.append(
            (field.name, _typed(str(field.type), is_required), documented.get((owner.__name__, field.name), ""))
        )
    return _table(rows)


def _typed(annotation: str, is_required: bool) -> str:
    named = TYPES[annotation.removesuffix(" | None")]
    return named if is_required else f"*{named}*"


def _table(rows: list[tuple[str, str, str]]) -> str:
    head = ["| Field | Type | Meaning |", "| --- | --- | --- |"]
    return "\n".join(head + [f"| `{name}` | {typed} | {about} |" for name, typed, about in rows])


def _documented(module: object) -> dict[tuple[str, str], str]:
    """Return the text under each field of each class of a module, which the program itself does not keep."""
    return dict(_documents(ast.parse(inspect.getsource(module))))  # type: ignore[arg-type]


def _documents(tree: ast.Module) -> Iterator[tuple[tuple[str, str], str]]:
    for defined in tree.body:
        if not isinstance(defined, ast.ClassDef):
            continue
        for field, text in zip(defined.body, defined.body[1:], strict=False):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as about)):
                    yield (defined.name, name), " ".join(about.split())
                case _:
                    pass


if __name__ == "__main__":
    sys.stdout.write(page())
