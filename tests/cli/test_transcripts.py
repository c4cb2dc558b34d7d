"""`verbatim transcripts`: what is shown of stored, running and damaged sessions, and how each command ends."""

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.command import SECONDS, Outcome, arguments, environment, run
from tests.storage.left import PREFIX, call, everything_in, left
from tests.transcript.journals import lines, started
from worker.cli import main
from worker.cli.transcripts.show import Format
from worker.storage.journal.lock import held
from worker.storage.recovery.sweep import recover
from worker.storage.sessions import exporting
from worker.storage.stores.directory import DirectoryStore
from worker.storage.storing.leases import Lease
from worker.transcript.events import (
    ErrorRaised,
    PartEnded,
    ParticipantJoined,
    SttClosed,
    SttOpened,
    UsageReported,
    UserFinal,
    UserTurn,
)
from worker.transcript.render import FORMATS

HOSTILE = "kitchen\x1b[2J\x9b31m\u202e"


Command = Callable[..., Outcome]


@pytest.fixture
def transcripts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`verbatim transcripts` in this process: the same as `run`, without the time that an interpreter takes."""
    for name in os.environ:
        if name.startswith("VERBATIM_") or name == "COLUMNS":
            monkeypatch.delenv(name)

    def transcripts(directory: Path, *words: str) -> Outcome:
        monkeypatch.chdir(directory)
        monkeypatch.setattr(sys, "argv", ["verbatim", "transcripts", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, *capsys.readouterr())

    return transcripts


def store_what_is_left(directory: Path) -> None:
    asyncio.run(recover(directory / "journals", DirectoryStore(directory / "transcripts"), FORMATS))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A directory with three stored sessions in two rooms: RM_1 crashed, RM_2 whole, RM_3 whole with a hostile room."""
    journals = tmp_path / "journals"
    left(journals, call(1, "RM_1", ends=False), session="RM_1")
    left(journals, call(1, "RM_2"), session="RM_2")
    hostile = lines(
        (0, started(room=HOSTILE, room_sid="RM_3", dispatch="AD_7", versions={"verbatim": "1"}, settings_digest="d4")),
        (5, ParticipantJoined(identity="caller", name=HOSTILE)),
        (10, SttOpened(stream="S1", session="session-of-stt", participant="caller")),
        (90, UserFinal(participant="caller", text=f"secret words {HOSTILE}", stream="S1", turn_order=0)),
        (95, UserTurn(participant="caller", text="")),
        (96, ErrorRaised(code="llm_timeout", message="The LLM took too long.", source="llm")),
        (900, PartEnded(reason="caller_left")),
        (950, SttClosed(stream="S1", session="session-of-stt", billed_seconds=4.5)),
    )
    left(journals, hostile, session="RM_3")
    store_what_is_left(tmp_path)
    return tmp_path


def harmless(outcome: Outcome) -> bool:
    return not set(outcome.out + outcome.err) & set("\x1b\x9b\u202e")


# --- nothing there yet


@pytest.mark.parametrize("words", [["ls"], ["verify", "--all"], ["recover"], ["export", "--all", "--to", "out"]])
def test_where_there_is_nothing_yet_that_is_said_and_nothing_is_made(
    tmp_path: Path, words: list[str], transcripts: Command
) -> None:
    outcome = transcripts(tmp_path, *words)
    assert (outcome.status, outcome.out, len(outcome.sentences)) == (0, "", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["ls"], ["ls", "--room", "kitchen"], ["recover"]])
def test_who_finds_nothing_is_told_where_was_looked(tmp_path: Path, words: list[str], transcripts: Command) -> None:
    assert f"{tmp_path}/journals" in transcripts(tmp_path, *words).err


def test_ls_as_json_is_a_list_where_there_is_nothing(tmp_path: Path, transcripts: Command) -> None:
    assert json.loads(transcripts(tmp_path, "ls", "--json").out) == []


# --- ls


def test_ls_shows_the_newest_first_with_how_each_ended(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", call(2, "RM_4", ends=False), session="RM_4")
    left(archive / "journals", b"{}\n", session="RM_5")
    outcome = transcripts(archive, "ls")
    assert outcome.status == 0
    heading, *rows = outcome.out.splitlines()
    assert heading.split() == ["started,", "UTC", "room", "transcript", "length", "turns", "state", "ended"]
    assert [row.split()[-5:] for row in rows[:4]] == [
        ["RM_4-verbatim", "00:00", "1", "unfinished", "crashed"],
        ["RM_2-verbatim", "00:00", "1", "complete", "caller_left"],
        ["RM_1-verbatim", "00:00", "1", "partial", "crashed"],
        ["RM_3-verbatim", "00:00", "1", "complete", "caller_left"],
    ]
    assert rows[4].split() == ["?", "RM_5-verbatim", "00:00", "0", "damaged"]
    assert "RM_5-verbatim" in outcome.err and "line 1" in outcome.err
    assert harmless(outcome)


def test_ls_as_json_tells_everything_about_each_session(archive: Path, transcripts: Command) -> None:
    found = json.loads(transcripts(archive, "ls", "--json", "--room", "support").out)
    assert [each["transcript_id"] for each in found] == ["RM_2-verbatim", "RM_1-verbatim"]
    assert found[1] == {
        "transcript_id": "RM_1-verbatim",
        "room": "support",
        "room_sid": "RM_1",
        "agent": "verbatim",
        "started_at": "2026-11-21T10:00:01.000Z",
        "duration_ms": 500,
        "turns": 1,
        "state": "final",
        "complete": False,
        "reason": "crashed",
        "key": f"{PREFIX}/RM_1-verbatim",
        "journals": [],
        "trouble": None,
    }


def test_ls_can_be_narrowed_by_room_day_and_number(archive: Path, transcripts: Command) -> None:
    def ids(*words: str) -> list[str]:
        return [each["room_sid"] for each in json.loads(transcripts(archive, "ls", "--json", *words).out)]

    assert ids("--room", HOSTILE) == ["RM_3"]
    assert ids("--day", "2026-11-21", "--limit", "1") == ["RM_2"]
    assert ids("--day", "2026-11-20") == []
    assert transcripts(archive, "ls", "--day", "yesterday").status == 2
    assert "'yesterday' is not a day; write it like 2026-11-21." in " ".join(
        transcripts(archive, "ls", "--day", "yesterday").err.replace("│", "").split()
    )
    assert ids("--since", "2026-11-22") == ids("--until", "2026-11-20") == []
    assert ids("--since", "2026-11-20", "--until", "2026-11-21") == ["RM_2", "RM_1", "RM_3"]
    assert transcripts(archive, "ls", "--limit", "3").sentences == []
    assert transcripts(archive, "ls", "--limit", "1").sentences == [
        "These are the newest 1: --limit shows more, --day, --since and --until others."
    ]
    assert transcripts(archive, "ls", "--day", "2026-11-21", "--since", "2026-11-21").status == 2
    assert transcripts(archive, "ls", "--since", "2026-11-21", "--until", "2026-11-20").status == 2


def test_into_a_pipe_no_line_ends_in_blanks_or_colours(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    for words in (["ls"], ["explain", "RM_3"], ["verify", "--all"]):
        outcome = transcripts(archive, *words)
        assert [line for line in outcome.out.splitlines() if line != line.rstrip()] == []
        assert harmless(outcome)


def test_on_a_terminal_each_state_has_its_colour_unless_colours_are_not_wanted(
    archive: Path, transcripts: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # Rich then takes what it writes to for a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32mcomplete" in transcripts(archive, "ls").out
    assert "\x1b[32mok" in transcripts(archive, "verify", "--all").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in transcripts(archive, "ls").out + transcripts(archive, "verify", "--all").out


def test_on_a_narrow_screen_an_id_is_never_cut(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "RM_abcdefghijkl"
    left(archive / "journals", lines((0, started(room="x" * 90, room_sid=long))), session=long)
    outcome = run(archive, ["transcripts", "ls"], {"COLUMNS": "80"})
    assert f"{long}-verbatim" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


# --- show


def test_every_format_can_be_shown() -> None:
    assert [each.value for each in Format if each.value not in FORMATS] == []
    assert len(Format) == len(FORMATS)


@pytest.mark.parametrize("format_", FORMATS)
def test_show_prints_what_is_stored_byte_by_byte(archive: Path, format_: str, transcripts: Command) -> None:
    outcome = transcripts(archive, "show", "RM_2-verbatim", "--format", format_)
    assert outcome.status == 0
    assert outcome.out == (archive / "transcripts" / PREFIX / f"RM_2-verbatim/transcript.{format_}").read_text()


def test_show_makes_a_format_that_is_not_stored(archive: Path, transcripts: Command) -> None:
    (archive / "transcripts" / PREFIX / "RM_2-verbatim/transcript.vtt").unlink()
    assert transcripts(archive, "show", "RM_2", "--format", "vtt").out.startswith("WEBVTT")


@pytest.mark.parametrize(
    ("name", "shown", "remark"),
    [
        ("RM_1-verbatim", "crash", []),
        ("RM_1", "worker died", []),
        ("RM_3", "secret words", []),
        ("support", "words 1", ["2 sessions were held in room support that day: this is the newest"]),
    ],
)
def test_show_takes_an_id_its_beginning_a_room_sid_or_a_room(
    archive: Path, name: str, shown: str, remark: list[str], transcripts: Command
) -> None:
    outcome = transcripts(archive, "show", name)
    assert (outcome.status, outcome.sentences) == (0, remark)
    assert shown in outcome.out or name == "RM_1-verbatim"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("RM_9", "there is no transcript, room or room sid 'RM_9': verbatim transcripts ls shows what there is"),
        ("", "there is no transcript, room or room sid '': verbatim transcripts ls shows what there is"),
        ("RM_", "RM_ may be RM_3-verbatim, RM_1-verbatim, RM_2-verbatim: write more of it"),
    ],
)
def test_a_name_that_means_none_or_several_is_refused_in_one_sentence(
    archive: Path, name: str, sentence: str, transcripts: Command
) -> None:
    outcome = transcripts(archive, "show", name)
    assert (outcome.status, outcome.sentences, outcome.out) == (1, [sentence], "")


def test_a_call_that_is_running_is_shown_from_its_journal(archive: Path, transcripts: Command) -> None:
    journal = left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    with held(journal):
        outcome = transcripts(archive, "show", "RM_4")
        (listed, *_) = json.loads(transcripts(archive, "ls", "--json").out)
    assert outcome.sentences == ["RM_4-verbatim is still running: this is what was said so far"]
    assert "words 1" in outcome.out and "died" not in outcome.out
    assert "not yet, the call is still running" in outcome.out
    assert (listed["transcript_id"], listed["state"], listed["reason"]) == ("RM_4-verbatim", "running", "running")
    assert transcripts(archive, "show", "RM_4").sentences == [
        "RM_4-verbatim is not stored yet: verbatim transcripts recover does that"
    ]


def test_a_call_on_another_node_is_shown_from_what_it_has_sent(archive: Path, transcripts: Command) -> None:
    lease = Lease(prefix=f"{PREFIX}/RM_4-verbatim", room="support", room_sid="RM_4", agent_identity="agent-verbatim-1")
    store = DirectoryStore(archive / "transcripts")
    asyncio.run(store.put("open/RM_4-verbatim/AJ_1", lease.encode()))
    segment = f"{PREFIX}/RM_4-verbatim/parts/AJ_1/000001.jsonl"
    asyncio.run(store.put(segment, b"".join(call(9, "RM_4", ends=False))))
    row = transcripts(archive, "ls").out.splitlines()[1]
    assert row.split()[-3:] == ["?", "open", "running"]
    outcome = transcripts(archive, "show", "RM_4")
    assert "words 9" in outcome.out and "not yet, the call is still running" in outcome.out
    assert outcome.sentences == [
        "RM_4-verbatim is under way on another node (running): this is what was said until a few seconds ago"
    ]


def test_on_a_terminal_no_word_of_a_caller_steers_it(
    archive: Path, transcripts: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = transcripts(archive, "show", "RM_3", "--format", "json").out
    assert "\x9b" in stored and "\u202e" in stored
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert harmless(transcripts(archive, "show", "RM_3", "--format", "json"))


# --- verify


def test_verify_says_ok_for_each_session_as_it_was_stored(archive: Path, transcripts: Command) -> None:
    outcome = transcripts(archive, "verify", "--all")
    assert outcome.status == 0
    assert outcome.out.split() == ["ok", "RM_2-verbatim", "ok", "RM_1-verbatim", "ok", "RM_3-verbatim"]


def test_verify_names_the_file_and_the_first_line_that_was_changed(archive: Path, transcripts: Command) -> None:
    segment = archive / "transcripts" / PREFIX / "RM_2-verbatim/parts/AJ_1/000001.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"words 1", b"words 2"))
    outcome = transcripts(archive, "verify", "RM_1", "RM_2")
    assert outcome.status == 1
    fine, wrong = outcome.out.splitlines()
    assert fine == "ok     RM_1-verbatim"
    assert wrong.startswith("WRONG  RM_2-verbatim: parts/AJ_1/000001.jsonl: its SHA-256 is not the one")
    assert "parts/AJ_1/000001.jsonl, line 2: chain link is " in wrong
    (found,) = json.loads(transcripts(archive, "verify", "RM_2", "--json").out)
    assert not found["ok"]
    assert [finding["line"] for finding in found["findings"]] == [None, 2]


def test_verify_looks_at_journals_that_are_still_here(archive: Path, transcripts: Command) -> None:
    told = call(1, "RM_4")
    left(archive / "journals", [told[0], told[1].replace(b"words", b"werds"), told[2]], session="RM_4")
    outcome = transcripts(archive, "verify", "RM_4-verbatim")
    assert outcome.status == 1
    assert f"{archive}/journals/RM_4-verbatim/AJ_1.jsonl, line 2: chain link is " in outcome.out


def test_verify_checks_copies_and_single_files(archive: Path, transcripts: Command) -> None:
    assert transcripts(archive, "export", "--all", "--to", "out").status == 0
    assert len(transcripts(archive, "verify", "./out").out.splitlines()) == 3
    assert transcripts(archive, "verify", "out/support/RM_2-verbatim").out == "ok     out/support/RM_2-verbatim\n"
    file = archive / "journal.jsonl"
    file.write_bytes(b"".join(call()).replace(b"caller", b"nobody", 1))
    outcome = transcripts(archive, "verify", "journal.jsonl")
    assert outcome.status == 1
    assert outcome.out.startswith("WRONG  journal.jsonl: journal.jsonl, line 2: chain link is ")
    assert transcripts(archive, "verify", "no/such/place").status == 1
    assert transcripts(archive, "verify", "RM_2", "RM_2-verbatim").out == "ok     RM_2-verbatim\n"
    (refused,) = transcripts(archive, "verify", "out/support/RM_2-verbatim/transcript.json").sentences
    assert refused.endswith("is not a journal: name a .jsonl file, or the directory of a session.")
    (refused,) = transcripts(archive, "verify", "out").sentences
    assert refused.endswith("; for the path of that name write ./out")
    assert transcripts(archive, "verify").status == 2


# --- export


def test_export_copies_every_file_and_leaves_other_content_alone(archive: Path, transcripts: Command) -> None:
    out = archive / "out"
    assert transcripts(archive, "export", "RM_2", "RM_2-verbatim", "--to", "out").sentences == ["1 session is in out."]
    stored = everything_in(archive / "transcripts" / PREFIX / "RM_2-verbatim")
    assert everything_in(out / "support/RM_2-verbatim") == stored
    assert transcripts(archive, "export", "--room", "support", "--to", "out").status == 0
    mine = out / "support/RM_2-verbatim/transcript.txt"
    mine.write_text("with my remarks")
    outcome = transcripts(archive, "export", "--all", "--to", "out")
    assert outcome.status == 1
    assert f"{Path('out/support/RM_2-verbatim/transcript.txt')} is there with another content" in outcome.err
    assert mine.read_text() == "with my remarks"
    assert transcripts(archive, "export", "--all", "--to", "out", "--force").status == 0
    assert everything_in(out / "support/RM_2-verbatim") == stored


def test_export_of_formats_and_archives(archive: Path, transcripts: Command) -> None:
    outcome = transcripts(archive, "export", "RM_2", "--to", "out", "--format", "srt", "--format", "md")
    assert outcome.status == 0
    assert sorted(path.name for path in (archive / "out/support/RM_2-verbatim").iterdir()) == [
        "transcript.md", "transcript.srt",
    ]  # fmt: skip
    assert transcripts(archive, "export", "RM_2", "--to", "out", "--zip").status == 0
    first = (archive / "out/RM_2-verbatim.zip").read_bytes()
    assert transcripts(archive, "export", "RM_2", "--to", "out", "--zip").status == 0
    assert (archive / "out/RM_2-verbatim.zip").read_bytes() == first
    with zipfile.ZipFile(archive / "out/RM_2-verbatim.zip") as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == {
            f"RM_2-verbatim/{name}": content
            for name, content in everything_in(archive / "transcripts" / PREFIX / "RM_2-verbatim").items()
        }


def test_export_of_a_call_that_is_not_stored_yet_tells_it_from_its_journal(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    assert transcripts(archive, "export", "RM_4", "--to", "out", "--format", "txt").status == 0
    assert "words 1" in (archive / "out/support/RM_4-verbatim/transcript.txt").read_text()


def test_export_takes_nothing_of_other_sessions_where_a_journal_is_damaged(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", b"{}\n", session="RM_2", name="AJ_9")
    outcome = transcripts(archive, "export", "RM_2-verbatim", "--to", "out")
    assert outcome.status == 0
    stored = everything_in(archive / "transcripts" / PREFIX / "RM_2-verbatim")
    assert everything_in(archive / "out") == {f"support/RM_2-verbatim/{name}": data for name, data in stored.items()}


@pytest.mark.parametrize("words", [[], ["RM_2", "--all"], ["--all", "--room", "support"]])
def test_export_wants_to_know_exactly_what(archive: Path, words: list[str], transcripts: Command) -> None:
    assert transcripts(archive, "export", "--to", "out", *words).status == 2


@pytest.mark.parametrize("words", [["--zip"], []])
def test_an_export_that_was_killed_leaves_nothing_for_good(
    archive: Path, words: list[str], transcripts: Command
) -> None:
    left_behind = [
        archive / "out/RM_2-verbatim.zip#123",
        archive / "out/support/RM_2-verbatim/transcript.txt#77",
    ]
    mine = [archive / "out/letter#1", archive / "out/support/draft#2"]
    for path in (*left_behind, *mine):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert transcripts(archive, "export", "RM_2", "--to", "out", *words).status == 0
    assert [path.exists() for path in left_behind] == ([False, True] if words else [False, False])
    assert all(path.exists() for path in mine)


def test_two_exports_into_one_directory_do_not_meet(archive: Path, transcripts: Command) -> None:
    (archive / "out").mkdir()
    with exporting.held(archive / "out"):
        outcome = transcripts(archive, "export", "RM_2", "--to", "out")
    assert outcome.status == 1
    assert outcome.sentences[-1] == "another export writes into out: wait until it has ended"


def test_export_takes_a_range_of_days(archive: Path, transcripts: Command) -> None:
    assert transcripts(archive, "export", "--since", "2026-11-21", "--to", "out").sentences == [
        "3 sessions are in out."
    ]
    assert transcripts(archive, "export", "--until", "2026-11-20", "--to", "none").sentences == [
        "There is no such transcript: nothing was exported."
    ]
    assert not (archive / "none").exists()
    assert transcripts(archive, "export", "--all", "--day", "2026-11-21", "--to", "out").status == 2


def test_export_says_what_is_not_stored_yet(archive: Path, transcripts: Command) -> None:
    dead = left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    living = left(archive / "journals", call(2, "RM_6", ends=False), session="RM_6")
    with held(living):
        outcome = transcripts(archive, "export", "RM_4", "RM_6", "--to", "out")
    assert outcome.sentences == [
        f"RM_4-verbatim is not stored, or not all of it: its journal is still here ({dead})",
        "RM_6-verbatim is still under way: what was said so far is exported",
        "2 sessions are in out.",
    ]


# --- rm


def test_rm_removes_what_is_stored_and_says_what_it_cannot_reach(archive: Path, transcripts: Command) -> None:
    outcome = transcripts(archive, "rm", "RM_1", "--yes")
    assert outcome.status == 0
    assert outcome.sentences[0] == "1 session is removed: 7 objects."
    assert outcome.sentences[1].startswith("Not reached: a journal on a node that is away")
    assert len(outcome.sentences) == 2
    assert transcripts(archive, "show", "RM_1").status == 1
    assert [each["room_sid"] for each in json.loads(transcripts(archive, "ls", "--json").out)] == ["RM_2", "RM_3"]
    assert [path.name for path in (archive / "transcripts/removed").rglob("*-verbatim")] == ["RM_1-verbatim"]


def test_rm_asks_first_and_where_nobody_can_be_asked_it_refuses(
    archive: Path, transcripts: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = transcripts(archive, "rm", "RM_1")
    assert (outcome.status, outcome.sentences) == (
        2,
        ["Nobody can be asked here: write --yes, or --dry-run to see what would go."],
    )
    for answer, status in (("n", 1), ("", 1), ("y", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
        outcome = transcripts(archive, "rm", "--room", "support")
        assert outcome.status == status
        assert "RM_1-verbatim, 2026-11-21, room support" in outcome.sentences
        assert "Remove 2 sessions for good? [y/N]:" in outcome.err
    assert [each["room_sid"] for each in json.loads(transcripts(archive, "ls", "--json").out)] == ["RM_3"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_dry_run_of_rm_lists_what_would_go_and_changes_nothing(archive: Path, transcripts: Command) -> None:
    before = everything_in(archive)
    outcome = transcripts(archive, "rm", "--all", "--dry-run")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "RM_3-verbatim, 2026-11-21, room kitchen [2J 31m: 7 objects",
        "RM_1-verbatim, 2026-11-21, room support: 7 objects",
        "RM_2-verbatim, 2026-11-21, room support: 7 objects",
    ]
    assert outcome.sentences == ["3 sessions would go: 21 objects."]
    assert harmless(outcome)
    assert everything_in(archive) == before


def test_rm_refuses_a_running_call_and_removes_the_others(archive: Path, transcripts: Command) -> None:
    living = left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    dead = left(archive / "journals", call(2, "RM_6", ends=False), session="RM_6")
    with held(living):
        outcome = transcripts(archive, "rm", "--all", "--yes", "--json")
        told = json.loads(outcome.out)
    assert outcome.status == 1
    assert {each["transcript_id"]: each["state"] for each in told["removed"]} == {
        "RM_1-verbatim": "removed",
        "RM_2-verbatim": "removed",
        "RM_3-verbatim": "removed",
        "RM_4-verbatim": "refused",
        "RM_6-verbatim": "removed",
    }
    assert len(told["beyond_reach"]) == 1
    assert living.exists() and not dead.exists()


def test_rm_removes_a_journal_that_cannot_be_read_with_its_session(archive: Path, transcripts: Command) -> None:
    damaged = left(archive / "journals", b"{}\n", session="RM_1", name="AJ_5")
    nowhere = left(archive / "journals", b"{}\n", session="RM_5")
    assert transcripts(archive, "rm", "RM_1", "RM_5", "--yes").status == 0
    assert not damaged.exists() and not nowhere.exists()


def test_rm_by_age_takes_what_ended_so_long_ago(archive: Path, transcripts: Command) -> None:
    age = (datetime.now(UTC).date() - date(2026, 11, 21)).days
    assert transcripts(archive, "rm", "--older-than", "36500d", "--yes").sentences == [
        "There is no such transcript: nothing was removed."
    ]
    ended = datetime(2026, 11, 21, tzinfo=UTC) - timedelta(days=400)
    for manifest in (archive / "transcripts").rglob("manifest.json"):
        manifest.write_text(manifest.read_text().replace("2026-11-21T", f"{ended:%Y-%m-%d}T"))
    day = archive / "transcripts" / f"{ended:%Y/%m}"
    day.mkdir(parents=True)
    (archive / "transcripts/2026/11/21").rename(day / f"{ended:%d}")
    assert transcripts(archive, "rm", "--older-than", f"{age + 401}d", "--dry-run").out == ""
    assert len(transcripts(archive, "rm", "--older-than", f"{age + 399}d", "--dry-run").out.splitlines()) == 3
    assert transcripts(archive, "rm", "--older-than", "8w", "--room", "support", "--yes").status == 0
    assert [each["room_sid"] for each in json.loads(transcripts(archive, "ls", "--json").out)] == ["RM_3"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["RM_1", "--all"],
        ["--day", "2026-11-21", "--older-than", "3d"],
        ["--older-than", "3"],
        ["--all", "--room", "x"],
    ],
)
def test_rm_is_told_exactly_what_is_to_go(archive: Path, words: list[str], transcripts: Command) -> None:
    assert transcripts(archive, "rm", *words, "--yes").status == 2


def test_rm_takes_no_room_of_several_sessions_for_one(archive: Path, transcripts: Command) -> None:
    outcome = transcripts(archive, "rm", "support", "--yes")
    assert outcome.status == 1
    assert outcome.sentences == [
        "support is a room in which several sessions were held: name one of them, or write --room support for all."
    ]


def test_what_was_removed_is_not_stored_again_by_recover(archive: Path, transcripts: Command) -> None:
    assert transcripts(archive, "rm", "RM_2", "--yes").status == 0
    left(archive / "journals", call(1, "RM_2"), session="RM_2")  # a node comes back
    assert transcripts(archive, "recover").status == 0
    assert transcripts(archive, "show", "RM_2").status == 1
    assert not list((archive / "journals").rglob("*.jsonl"))


# --- recover


def test_recover_stores_what_a_dead_job_left_and_says_so(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    living = left(archive / "journals", call(1, "RM_5"), session="RM_5")
    with held(living):
        dry = transcripts(archive, "recover", "--dry-run")
        assert dry.out.splitlines()[0] == "RM_4-verbatim, job AJ_1: would be finalised"
        outcome = transcripts(archive, "recover")
    assert (dry.status, outcome.status) == (0, 0)
    finalised, in_use = outcome.out.splitlines()
    assert finalised == (
        f"RM_4-verbatim, job AJ_1: finalised: {archive}/transcripts/{PREFIX}/RM_4-verbatim/manifest.json"
    )
    assert in_use.startswith(f"RM_5-verbatim, job AJ_1: {living} is in use: ")
    assert [path.name for path in (archive / "journals").iterdir()] == ["RM_5-verbatim"]


def test_recover_ends_with_a_failure_when_something_could_not_be_stored(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", b"{}\n", session="RM_4")
    outcome = transcripts(archive, "recover", "--json")
    assert outcome.status == 1
    (found,) = json.loads(outcome.out)
    assert (found["transcript_id"], found["state"]) == ("RM_4-verbatim", "left")
    assert "line 1" in found["reason"]


# --- explain


def test_explain_tells_one_timeline_from_dispatch_to_storage_without_words(archive: Path, transcripts: Command) -> None:
    outcome = transcripts(archive, "explain", "RM_3", "--json")
    assert outcome.status == 0
    told = json.loads(outcome.out)
    assert (told["state"], told["complete"], told["reason"]) == ("final", True, "caller_left")
    steps = [(step["what"], step["detail"]) for step in told["steps"]]
    assert [what for what, _ in steps] == [
        "part started", "joined", "stt opened", "error", "part ended", "stt closed", *["stored"] * 7,
    ]  # fmt: skip
    for number, words in [(0, "dispatch AD_7"), (0, "settings d4"), (0, "verbatim 1"), (2, "session-of-stt"),
                          (3, "llm: llm_timeout: The LLM took too long."), (5, "4.5 s billed"),
                          (-1, "generation 1, final")]:  # fmt: skip
        assert words in steps[number][1]
    assert all(step["at"] for step in told["steps"])
    plain = transcripts(archive, "explain", "RM_3")
    assert plain.status == 0
    assert "secret words" not in plain.out + outcome.out
    assert "secret words" in transcripts(archive, "explain", "RM_3", "--text").out
    assert harmless(plain) and harmless(outcome)


def test_explain_names_a_crash_and_the_journal_that_is_still_here(archive: Path, transcripts: Command) -> None:
    journal = left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    told = json.loads(transcripts(archive, "explain", "RM_4", "--json").out)
    assert [(step["what"], step["job"]) for step in told["steps"]][-2:] == [("crashed", "AJ_1"), ("still here", None)]
    assert str(journal) in told["steps"][-1]["detail"]


def test_explain_of_a_running_call_names_no_crash(archive: Path, transcripts: Command) -> None:
    left(archive / "journals", call(1, "RM_4", ends=False), session="RM_4")
    with held(left(archive / "journals", call(2, "RM_4", ends=False), session="RM_4", name="AJ_2")):
        told = json.loads(transcripts(archive, "explain", "RM_4", "--json").out)
    ends = [(step["what"], step["job"]) for step in told["steps"] if step["what"] in ("crashed", "running")]
    assert (told["state"], ends) == ("running", [("crashed", "AJ_1"), ("running", "AJ_2")])


def test_explain_tells_the_newest_totals_of_each_model_once(archive: Path, transcripts: Command) -> None:
    used = [
        (at, UsageReported(service=service, model="m", amounts={"audio_duration": at / 1000 + 1e-15}))
        for at in (100, 200, 300)
        for service in ("stt", "tts")
    ]
    left(archive / "journals", lines((0, started(room="support", room_sid="RM_4")), *used), session="RM_4")
    steps = json.loads(transcripts(archive, "explain", "RM_4", "--json").out)["steps"]
    assert [step["detail"] for step in steps if step["what"] == "usage"] == [
        "stt m: audio_duration 0.3",
        "tts m: audio_duration 0.3",
    ]


# --- all of them


@pytest.mark.parametrize("command", ["ls", "show", "verify", "export", "recover", "explain"])
def test_every_command_explains_itself(tmp_path: Path, command: str, transcripts: Command) -> None:
    outcome = transcripts(tmp_path, command, "--help")
    assert outcome.status == 0
    assert "--config" in outcome.out


def test_a_store_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, transcripts: Command) -> None:
    (tmp_path / "transcripts").write_text("")
    outcome = transcripts(tmp_path, "ls")
    assert (outcome.status, len(outcome.sentences)) == (1, 1)
    assert "cannot be listed" in outcome.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["ls"], ["show", "RM_2"], ["verify", "--all"], ["explain", "RM_2"]])
def test_an_output_that_is_full_is_told_in_one_sentence(archive: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            arguments("transcripts", *words), cwd=archive, env=environment(archive, {}), stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "verbatim: The output cannot be written (No space left on device); free some space.\n",
    )


def test_wrong_settings_are_told_as_everywhere(tmp_path: Path, transcripts: Command) -> None:
    assert transcripts(tmp_path, "ls", "--set", "storage.url=s3://x").status == 78


STRANGE = b"/\xff\x1b]0;-x\x9b"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take only names in UTF-8")
@pytest.mark.parametrize(
    "words",
    [
        ["ls"],
        ["ls", "--json"],
        ["recover"],
        ["recover", "--json"],
        ["verify", "--all"],
        ["verify", "--all", "--json"],
        ["verify", f".{os.fsdecode(STRANGE)}"],
        ["verify", f"./none{os.fsdecode(STRANGE)}"],
        ["show", os.fsdecode(STRANGE)],
        ["explain", os.fsdecode(STRANGE[1:])],
        ["export", "--all", "--to", f"./out{os.fsdecode(STRANGE)}"],
    ],
)
def test_no_name_of_a_file_steers_the_terminal_or_is_too_strange_to_print(tmp_path: Path, words: list[str]) -> None:
    for place in (b"/journals", b""):
        directory = Path(os.fsdecode(os.fsencode(tmp_path) + place + STRANGE))
        directory.mkdir(parents=True)
        Path(f"{directory}{os.fsdecode(STRANGE)}.jsonl").write_bytes(b"{}\n")
    outcome = run(tmp_path, ["transcripts", *words], {"PYTHONIOENCODING": "utf-8:strict"})
    assert harmless(outcome)
    assert outcome.out + outcome.err
    if "--json" in words:
        assert json.loads(outcome.out)


@pytest.mark.parametrize("name", ["pipe.jsonl", "zero.jsonl"])
def test_verify_reads_nothing_that_has_no_end(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    outcome = run(tmp_path, ["transcripts", "verify", f"./{name}"])
    assert (outcome.status, outcome.sentences) == (1, [f"{name} is neither a file nor a directory: check the path"])


def test_verify_tells_of_both_where_a_session_was_copied_within_the_store(archive: Path, transcripts: Command) -> None:
    day = archive / "transcripts/2026/11/21"
    copy = day.with_name("22")
    shutil.copytree(day / "support" / "RM_2-verbatim", copy / "support" / "RM_2-verbatim")
    (copy / "support" / "RM_2-verbatim" / "transcript.txt").write_text("nothing of the kind")
    outcome = transcripts(archive, "verify", "--all")
    assert outcome.status == 1
    assert "WRONG  RM_2-verbatim: transcript.txt" in outcome.out
