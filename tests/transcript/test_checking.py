"""A stored session that was changed in any way is named, with the file, the line and the reason."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.journals import lines, started
from worker.transcript.checking import Finding, check
from worker.transcript.events import Note, PartEnded, UserFinal
from worker.transcript.integrity import Manifest, manifest_of, stored_file
from worker.transcript.reading import read_lines
from worker.transcript.render import FORMATS
from worker.transcript.replay import replay

FIRST = lines(
    (0, started(1, "AJ_1")),
    (200, UserFinal(participant="caller", text="my name is Ada")),
    (300, Note(text="vip")),
    (900, PartEnded(reason="handover")),
)
SECOND = lines(
    (0, started(2, "AJ_2")),
    (900, UserFinal(participant="caller", text="good bye")),
    (950, PartEnded(reason="caller_left")),
)
SEGMENT = "parts/AJ_1/000002.jsonl"

Files = dict[str, bytes]


def session() -> tuple[Manifest, Files]:
    journals = {"AJ_1": read_lines(b"".join(FIRST)), "AJ_2": read_lines(b"".join(SECOND))}
    transcript = replay(list(journals.values()))
    files = {f"transcript.{name}": render(transcript).encode() for name, render in FORMATS.items()}
    files["parts/AJ_1/000001.jsonl"] = FIRST[0]
    files[SEGMENT] = b"".join(FIRST[1:])
    files["parts/AJ_2/000001.jsonl"] = b"".join(SECOND)
    return manifest_of(transcript, journals, files, generation=1), files


MANIFEST, FILES = session()


def found(files: Mapping[str, bytes], manifest: Manifest = MANIFEST) -> list[str]:
    return [str(finding) for finding in check(manifest, files)]


def vouched(files: Files) -> Manifest:
    """Return the manifest with the sizes and hashes of `files`, as someone would make it who hides a change."""
    return MANIFEST.model_copy(update={"files": {name: stored_file(files[name]) for name in sorted(files)}})


def with_file(name: str, content: bytes) -> Files:
    return FILES | {name: content}


def without(name: str) -> Files:
    return {each: content for each, content in FILES.items() if each != name}


def test_what_was_stored_is_found_to_be_so() -> None:
    assert check(MANIFEST, FILES) == []
    assert check(Manifest.model_validate_json(MANIFEST.encode()), FILES) == []


def test_what_people_put_beside_it_is_theirs() -> None:
    assert check(MANIFEST, FILES | {"notes.txt": b"call back", "manifest.json": MANIFEST.encode()}) == []


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_missing_is_named(name: str) -> None:
    assert found(without(name))[0] == f"{name}: it is missing, and the manifest names it"


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_every_bit_that_is_changed_is_noticed_and_its_file_named(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    findings = check(MANIFEST, with_file(name, bytes(content)))
    assert all(finding.wrong for finding in findings)
    assert name in {finding.file for finding in findings}
    assert not any("Ada" in str(finding) for finding in findings)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_first_line_that_was_changed_is_named(number: int) -> None:
    changed = [line.replace(b'"ms":', b'"ms":1') if place >= number else line for place, line in enumerate(FIRST)]
    findings = check(MANIFEST, with_file(SEGMENT, b"".join(changed[1:])))
    assert [finding.line for finding in findings if finding.line] == [number]
    assert any("chain link is" in finding.reason for finding in findings)


def test_lines_dropped_from_the_end_are_noticed_though_the_chain_is_whole() -> None:
    files = with_file(SEGMENT, FIRST[1])
    assert f"{SEGMENT}: it ends after 2 lines of its part, and the manifest names 4: the rest is missing" in found(
        files
    )
    assert found(files, vouched(files)) == [
        f"{SEGMENT}: it ends after 2 lines of its part, and the manifest names 4: the rest is missing"
    ]


def test_lines_that_were_added_are_noticed_though_the_chain_is_whole() -> None:
    longer = lines((0, started(2, "AJ_2")), *SECOND_EVENTS, (960, Note(text="he also said yes")))
    files = with_file("parts/AJ_2/000001.jsonl", b"".join(longer))
    assert found(files, vouched(files)) == [
        "parts/AJ_2/000001.jsonl: it ends after 4 lines of its part, and the manifest names 3: the rest was added"
    ]


SECOND_EVENTS = ((900, UserFinal(participant="caller", text="good bye")), (950, PartEnded(reason="caller_left")))


def test_lines_that_were_written_anew_are_noticed_though_the_chain_is_whole() -> None:
    forged = lines((0, started(2, "AJ_2")), (900, UserFinal(participant="caller", text="go on")), SECOND_EVENTS[1])
    files = with_file("parts/AJ_2/000001.jsonl", b"".join(forged))
    assert found(files, vouched(files)) == [
        "parts/AJ_2/000001.jsonl: the chain link of seq 2 is not the one that the manifest names: lines were rewritten"
    ]


def test_a_segment_of_another_call_is_noticed() -> None:
    other = lines((0, started(1, "AJ_1", room="other")), *[(ms, Note(text="x")) for ms in (1, 2, 3)])
    findings = check(MANIFEST, with_file(SEGMENT, b"".join(other[1:])))
    assert Finding(SEGMENT, findings[-1].reason, line=1) == findings[-1]


def test_segments_that_changed_places_are_noticed() -> None:
    first, second = FILES["parts/AJ_1/000001.jsonl"], FILES[SEGMENT]
    files = FILES | {"parts/AJ_1/000001.jsonl": second, SEGMENT: first}
    assert "parts/AJ_1/000001.jsonl, line 1" in found(files, vouched(files))[0]


def test_a_torn_segment_is_wrong() -> None:
    files = with_file(SEGMENT, FILES[SEGMENT][:-9])
    assert any(finding.line == 3 and "no line feed" in finding.reason for finding in check(MANIFEST, files))


def test_a_segment_or_a_part_that_the_manifest_does_not_name_is_noticed() -> None:
    added = FILES | {"parts/AJ_9/000001.jsonl": b"".join(lines((0, started(3, "AJ_9"))))}
    assert found(added) == [
        "parts/AJ_9/000001.jsonl: the manifest does not name it: it was added, or storing it did not come to its end",
        "parts/AJ_9/000001.jsonl: the manifest does not name its job, AJ_9",
    ]


def test_a_part_of_which_nothing_is_stored_is_noticed() -> None:
    files = without("parts/AJ_2/000001.jsonl")
    assert found(files, vouched(files)) == ["parts/AJ_2: no line of the journal of part 2 is here"]


def test_a_manifest_of_another_transcript_is_noticed() -> None:
    manifest = MANIFEST.model_copy(update={"complete": not MANIFEST.complete, "reason": "goodbye"})
    assert found(FILES, manifest) == [
        "manifest.json: transcript.json and the journal say otherwise on: reason, complete"
    ]


def test_a_transcript_that_was_changed_together_with_the_manifest_is_remarked() -> None:
    changed = FILES["transcript.json"].replace(b"my name is Ada", b"my name is Bob")
    files = with_file("transcript.json", changed)
    (finding,) = check(vouched(files), files)
    assert (finding.file, finding.wrong) == ("transcript.json", False)
    assert "not what this version makes of the journal" in finding.reason


def test_a_transcript_of_another_schema_is_not_compared() -> None:
    content = json.loads(FILES["transcript.json"]) | {"schema": "verbatim.transcript/2"}
    files = with_file("transcript.json", json.dumps(content).encode())
    (finding,) = check(vouched(files), files)
    assert (finding.wrong, finding.file) == (False, "transcript.json")


def test_a_manifest_of_a_newer_form_is_not_guessed_at() -> None:
    newer = MANIFEST.model_copy(update={"format": "verbatim.manifest/2"})
    assert found(FILES, newer) == [
        "manifest.json: its form is verbatim.manifest/2, this version reads verbatim.manifest/1: use a newer one"
    ]


def test_a_transcript_that_tells_of_a_damaged_journal_is_as_stored() -> None:
    """What could not be read is not in the store, but the transcript tells of it."""
    damaged = read_lines(b"".join(FIRST[:2]) + b"\0\n")
    transcript = replay([damaged])
    files = {"transcript.json": FORMATS["json"](transcript).encode(), "parts/AJ_1/000001.jsonl": b"".join(FIRST[:2])}
    assert check(manifest_of(transcript, {"AJ_1": damaged}, files, 1), files) == []


def test_a_job_whose_name_is_encoded_is_the_same_job() -> None:
    journal = b"".join(lines((0, started(1, "AJ/1")), (5, PartEnded(reason="caller_left"))))
    reading = read_lines(journal)
    transcript = replay([reading])
    files = {"transcript.json": FORMATS["json"](transcript).encode(), "parts/AJ%2F1/000001.jsonl": journal}
    manifest = manifest_of(transcript, {"AJ/1": reading}, files, 1)
    assert check(manifest, files) == []
    damaged = files | {"parts/AJ%2F1/000001.jsonl": b"\0" + journal[1:]}
    assert {finding.file for finding in check(manifest, damaged)} == {"parts/AJ%2F1/000001.jsonl"}


@given(
    files=st.dictionaries(
        st.one_of(
            st.sampled_from([*FILES, "manifest.json", "parts//x.jsonl", "parts/a/b/c.jsonl"]), st.text(max_size=9)
        ),
        st.one_of(st.binary(max_size=60), st.sampled_from([*FILES.values(), *FIRST, *SECOND, b""])),
        max_size=6,
    ),
    events=st.integers(-3, 6),
)
def test_whatever_is_there_a_check_names_it_and_never_raises(files: Files, events: int) -> None:
    parts = tuple(part.model_copy(update={"events": events}) for part in MANIFEST.parts)
    check(MANIFEST.model_copy(update={"parts": parts}), files)
    manifest = MANIFEST.model_copy(
        update={"parts": parts, "files": {name: stored_file(content) for name, content in files.items()}}
    )
    check(manifest, files)
