"""What a call's journal takes is counted, by what an operator knows of it."""

import asyncio
from asyncio import Future
from pathlib import Path

import pytest

from tests.parts.counts import Counts
from worker.metrics.definitions import ANSWER, ANSWER_STAGE, PROVIDER_ERRORS, SESSIONS_ENDED
from worker.session.capturing.counting import count
from worker.session.capturing.recorder import CallRecorder
from worker.speech.catalogue import FAULTS, PROVIDERS, error_raised, metric_code
from worker.storage.journal.journal import Accepted, Journal
from worker.transcript.events import PartEnded, TurnLatency


async def test_an_answer_counts_by_the_time_of_the_whole_and_of_each_stage(tmp_path: Path, counts: Counts) -> None:
    journal = await Journal.create(tmp_path, "RM_1-verbatim", "AJ_1")
    recorder = CallRecorder(journal)
    recorder.append(TurnLatency(answer_ms=640, stages={"first_token": 310, "first_audio": 120}))
    recorder.append(TurnLatency(stages={"first_token": 290}))
    await recorder.append(PartEnded(reason="goodbye"))
    await journal.close()
    assert (counts(ANSWER, "count"), counts(ANSWER, "sum")) == (1, 0.64)
    assert counts(ANSWER_STAGE, "count", stage="first_token") == 2
    assert counts(ANSWER_STAGE, "sum", stage="first_audio") == pytest.approx(0.12)
    assert counts(SESSIONS_ENDED, reason="goodbye") == 1


async def test_an_end_that_is_not_on_the_disk_is_counted_by_whoever_finds_the_journal(counts: Counts) -> None:
    for reason, durable in (("goodbye", False), ("handover", True)):
        accepted: Future[Accepted] = Future()
        count(PartEnded(reason=reason), accepted)
        accepted.set_result(Accepted(7, durable))
        await asyncio.sleep(0)
    assert counts(SESSIONS_ENDED, reason="goodbye") == 0
    assert counts(SESSIONS_ENDED, reason="handover") == 1


async def test_a_failure_counts_under_its_code_and_one_that_is_not_listed_under_its_provider(counts: Counts) -> None:
    for code in ("llm.http_429", "assemblyai.close_4999", "llm.http_429", "llm.SomeError", "mars.attack"):
        count(error_raised(code), Future())
    assert counts(PROVIDER_ERRORS, provider="llm", code="llm_http_429") == 2
    assert counts(PROVIDER_ERRORS, provider="assemblyai", code="assemblyai_other") == 1
    assert counts(PROVIDER_ERRORS, provider="llm", code="llm_other") == 1
    assert counts(PROVIDER_ERRORS, provider="unknown", code="unknown_other") == 1


def test_codes_from_outside_make_no_series_of_their_own() -> None:
    made = {metric_code(f"{provider}.{number}") for provider in (*PROVIDERS, "mars") for number in range(1000)}
    assert made <= {f"{provider}_other" for provider in (*PROVIDERS, "unknown")}
    assert len({metric_code(each.code) for each in FAULTS}) == len(FAULTS)
