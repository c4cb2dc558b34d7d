"""The call's recorder puts events into the journal and wall-clock times onto the part's clock."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from worker.session.capturing.recorder import CallRecorder
from worker.storage.journal.journal import Journal
from worker.transcript.events import Note, UserFinal


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.create(tmp_path, "RM_1-verbatim", "AJ_1")
    yield journal
    await journal.close()


async def test_an_event_is_accepted_when_the_journal_has_it(journal: Journal) -> None:
    recorder = CallRecorder(journal)
    accepted = await recorder.append(Note(text="first"))
    assert (accepted.seq, accepted.durable) == (0, True)
    recorder.append(Note(text="second"))
    await recorder.settled()
    assert len(journal.path.read_bytes().splitlines()) == 2


async def test_a_time_before_the_part_began_is_its_beginning(journal: Journal) -> None:
    assert CallRecorder(journal).ms_at(time.time() - 3600) == 0


async def test_a_time_that_is_now_is_the_journal_s_clock(journal: Journal) -> None:
    recorder = CallRecorder(journal)
    before = journal.clock()
    now = recorder.ms_at(time.time())
    assert before - 2 <= now <= journal.clock() + 2


async def test_nobody_takes_part_and_nothing_is_spoken_before_the_call_begins(journal: Journal) -> None:
    recorder = CallRecorder(journal)
    assert recorder.participant == ""
    assert recorder.speech is None
    recorder.roster = SimpleNamespace(caller="ada")  # type: ignore[assignment]
    recorder.session = SimpleNamespace(current_speech=SimpleNamespace(id="speech-7"))  # type: ignore[assignment]
    assert (recorder.participant, recorder.speech) == ("ada", "speech-7")


async def test_the_last_word_is_the_newest_that_was_spoken(journal: Journal) -> None:
    recorder = CallRecorder(journal)
    assert recorder.last_word_ms is None
    recorder.append(UserFinal(participant="ada", text="Two pizzas.", ended_ms=4200))
    recorder.append(UserFinal(participant="ada", text="typed", source="chat", ended_ms=9000))
    assert recorder.last_word_ms == 4200
