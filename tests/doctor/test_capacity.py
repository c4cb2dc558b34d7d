"""What a machine or container has is compared with what the calls need."""

import pytest

from config import Settings
from worker.doctor.capacity import Capacity, capacity, check_memory, check_open_files, check_processors
from worker.doctor.findings import Verdict
from worker.fleet.admission import default_max_sessions

MB = 1_000_000


@pytest.mark.parametrize(
    ("calls", "cores", "verdict"),
    [(12, 2, Verdict.FINE), (12, 1, Verdict.WARNING), (12, 0.5, Verdict.WARNING), (5, 0.5, Verdict.FINE)],
)
def test_too_few_processors_are_a_warning(calls: int, cores: float, verdict: Verdict) -> None:
    finding = check_processors(Capacity(cores, 64_000 * MB, calls))
    assert finding.verdict is verdict
    assert (finding.verdict is Verdict.FINE) is (finding.remedy == "")


def test_too_little_memory_says_for_how_many_calls_there_is_room() -> None:
    finding = check_memory(Capacity(2, 1000 * MB, 12))
    assert finding.verdict is Verdict.WARNING
    assert "There are 1000 MB, enough for about 6 calls, and the worker holds 12" in finding.sentence
    assert "1600 MB" in finding.remedy
    assert check_memory(Capacity(2, 1600 * MB, 12)).verdict is Verdict.FINE


@pytest.mark.parametrize(("limit", "verdict"), [(1024, Verdict.FINE), (256, Verdict.WARNING), (-1, Verdict.FINE)])
def test_too_few_open_files_are_a_warning(limit: int, verdict: Verdict) -> None:
    assert check_open_files(Capacity(2, 64_000 * MB, 12), limit).verdict is verdict


def test_the_calls_are_those_of_the_settings_or_as_many_as_the_worker_takes_without() -> None:
    assert capacity(Settings.model_validate({"fleet": {"max_sessions": 7}})).calls == 7
    without = capacity(Settings())
    assert without.calls == default_max_sessions(without.cores, without.memory)
    assert check_processors(without).verdict is Verdict.FINE
