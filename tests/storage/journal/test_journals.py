"""The journals of a node are found among whatever lies beside them, and read as one however many files they have."""

import os
from pathlib import Path

import pytest

from tests.storage.disks import RecordingDisk
from tests.storage.left import call, left
from worker.storage.errors import JournalInUse, JournalMissing, JournalNotTrusted, JournalUnreadable
from worker.storage.journal import journals as journals_module
from worker.storage.journal.journals import all_held, files_of, journals_in, read, remove, session_directories
from worker.storage.journal.lock import held


def test_journals_are_found_with_their_successors_in_order(tmp_path: Path) -> None:
    for name in ("AJ_1", "AJ_1.10", "AJ_1.2", "AJ_1.1", "AJ_2", "AJ_3.1"):
        left(tmp_path, b"", name=name)
    (session,) = session_directories(tmp_path)
    assert [journal.name for journal in journals_in(session)] == ["AJ_1.jsonl", "AJ_2.jsonl", "AJ_3.jsonl"]
    assert [file.name for file in files_of(session / "AJ_1.jsonl")] == [
        "AJ_1.jsonl", "AJ_1.1.jsonl", "AJ_1.2.jsonl", "AJ_1.10.jsonl",
    ]  # fmt: skip
    assert [file.name for file in files_of(session / "AJ_3.jsonl")] == ["AJ_3.1.jsonl"]


def test_what_is_no_journal_is_passed_over(tmp_path: Path) -> None:
    session = left(tmp_path, b"").parent
    for name in ("AJ_1.jsonl~", "notes.txt", ".hidden.jsonl", "AJ_1.0.jsonl", "AJ_1.x.jsonl", "AJ_1.jsonl#12"):
        (session / name).write_text("")
    (session / "AJ_4.jsonl").mkdir()
    (session / "AJ_5.jsonl").symlink_to("/etc/passwd")
    os.mkfifo(session / "AJ_6.jsonl")
    (tmp_path / "a-file").write_text("")
    (tmp_path / "a-link").symlink_to(session)
    assert session_directories(tmp_path) == [session]
    assert [journal.name for journal in journals_in(session)] == ["AJ_1.jsonl"]


def test_where_there_is_nothing_there_are_no_journals(tmp_path: Path) -> None:
    assert session_directories(tmp_path / "none") == []
    assert journals_in(tmp_path / "none") == []
    assert files_of(tmp_path / "none" / "AJ_1.jsonl") == []


async def test_several_files_and_what_is_only_in_memory_are_read_as_one(tmp_path: Path) -> None:
    lines = call()
    journal = left(tmp_path, lines[0] + lines[1][:20])
    left(tmp_path, lines[1:2], name="AJ_1.1")
    found = await read(journal)
    assert (found.lines.data, found.damage) == (b"".join(lines[:2]), None)
    found = await read(journal, memory=lines[2])
    assert (found.lines.data, found.damage) == (b"".join(lines), None)


async def test_a_journal_of_which_nothing_is_on_the_disk_is_read_from_memory(tmp_path: Path) -> None:
    found = await read(tmp_path / "none" / "AJ_1.jsonl", memory=b"".join(call()))
    assert found.lines.data == b"".join(call())
    with pytest.raises(JournalMissing):
        await read(tmp_path / "none" / "AJ_1.jsonl")


async def test_damage_is_told_with_the_file_the_line_and_the_reason(tmp_path: Path) -> None:
    lines = call()
    journal = left(tmp_path, lines[:1])
    successor = left(tmp_path, [lines[1], lines[2].replace(b"caller", b"nobody")], name="AJ_1.1")
    damage = (await read(journal)).damage
    assert damage is not None
    assert damage.startswith(f"{successor}, line 2: chain link is ")


async def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals_module, "READ_DEADLINE_S", 0.05)
    journal = left(tmp_path, b"")
    journal.unlink()
    os.mkfifo(journal)  # reading it waits for a writer
    monkeypatch.setattr(journals_module, "files_of", lambda _: [journal])
    with pytest.raises(JournalUnreadable, match=r"cannot be read \(no answer in 0 s\): check the disk"):
        await read(journal)
    assert (await read(journal, memory=b"".join(call()))).lines.data == b"".join(call())
    os.close(os.open(journal, os.O_WRONLY))  # lets the thread end


def test_a_journal_is_held_with_all_its_files(tmp_path: Path) -> None:
    journal, successor = left(tmp_path, b""), left(tmp_path, b"", name="AJ_1.1")
    with all_held(journal):
        for file in (journal, successor):
            with pytest.raises(JournalInUse), held(file):
                pass
    with held(successor), pytest.raises(JournalInUse), all_held(journal):
        pass
    with held(journal):
        pass
    journal.unlink()
    with held(successor), pytest.raises(JournalInUse), all_held(journal):
        pass
    successor.unlink()
    with pytest.raises(JournalMissing), all_held(journal):
        pass


def test_a_journal_is_removed_from_its_end(tmp_path: Path) -> None:
    for name in ("AJ_1", "AJ_1.1", "AJ_1.2", "AJ_2"):
        left(tmp_path, b"", name=name)
    session = tmp_path / "RM_1-verbatim"
    disk = RecordingDisk()
    remove(session / "AJ_1.jsonl", disk)
    removed = [path.name for call, path in disk.calls if call == "remove" and isinstance(path, Path)]
    assert removed == ["AJ_1.2.jsonl", "AJ_1.1.jsonl", "AJ_1.jsonl"]
    assert [each.name for each in session.iterdir()] == ["AJ_2.jsonl"]


def test_what_is_no_sessions_directory_is_passed_over(tmp_path: Path) -> None:
    for name in ("lost+found", "RM_1-verbatim", "%E4%BD%A0-0123456789abcdef", "backup"):
        (tmp_path / name).mkdir()
    assert [path.name for path in session_directories(tmp_path)] == ["%E4%BD%A0-0123456789abcdef", "RM_1-verbatim"]


async def test_a_journal_that_is_larger_than_any_call_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = call()
    journal = left(tmp_path, lines[:2])
    left(tmp_path, lines[1:], name="AJ_1.1")
    size = sum(map(len, [*lines, lines[1]]))
    monkeypatch.setattr(journals_module, "LARGEST", size)
    assert len((await read(journal)).lines.reading.records) == 3
    monkeypatch.setattr(journals_module, "LARGEST", size - 1)
    with pytest.raises(JournalNotTrusted, match=r"AJ_1.jsonl has \d+ bytes, more than any call writes"):
        await read(journal)
