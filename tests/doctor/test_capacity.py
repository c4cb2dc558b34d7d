"""What a machine or container has is compared with what the calls need."""

from pathlib import Path

import pytest

from config import Settings
from worker.doctor.capacity import Limits, check_memory, check_open_files, check_processors, read_limits
from worker.doctor.findings import Verdict

MB = 1_000_000
NONE = Limits(None, None)


def settings(sessions: int) -> Settings:
    return Settings.model_validate({"fleet": {"max_sessions": sessions}})


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        ({"cpu.max": "150000 100000\n", "memory.max": "536870912\n"}, Limits(1.5, 536870912)),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n"}, NONE),
        ({"cpu__cpu.cfs_quota_us": "50000", "cpu__cpu.cfs_period_us": "100000",
          "memory__memory.limit_in_bytes": "1000000"}, Limits(0.5, 1000000)),
        ({"cpu__cpu.cfs_quota_us": "-1", "cpu__cpu.cfs_period_us": "100000",
          "memory__memory.limit_in_bytes": "9223372036854771712"}, NONE),
        ({"cpu.max": "nonsense", "memory.max": ""}, NONE),
        ({}, NONE),
    ],
)  # fmt: skip
def test_limits_of_both_kinds_of_control_group_are_read(tmp_path: Path, files: dict[str, str], limits: Limits) -> None:
    assert read_limits(written(tmp_path, **files)) == limits


@pytest.mark.parametrize(
    ("sessions", "limits", "present", "verdict"),
    [
        (12, NONE, 2, Verdict.FINE),
        (12, NONE, 1, Verdict.WARNING),
        (12, Limits(0.5, None), 64, Verdict.WARNING),
        (5, Limits(0.5, None), 64, Verdict.FINE),
    ],
)
def test_too_few_processors_are_a_warning(sessions: int, limits: Limits, present: int, verdict: Verdict) -> None:
    finding = check_processors(settings(sessions), limits, present)
    assert finding.verdict is verdict
    assert (finding.verdict is Verdict.FINE) is (finding.remedy == "")
    assert ("a limit of the control group" in finding.sentence) is (limits.cores is not None)


def test_too_little_memory_says_for_how_many_calls_there_is_room() -> None:
    finding = check_memory(settings(12), Limits(None, 800 * MB), 64_000 * MB)
    assert finding.verdict is Verdict.WARNING
    assert "There are 800 MB, enough for about 6 calls" in finding.sentence
    assert "1230 MB" in finding.remedy
    assert check_memory(settings(12), NONE, 1230 * MB).verdict is Verdict.FINE


@pytest.mark.parametrize(("limit", "verdict"), [(1024, Verdict.FINE), (256, Verdict.WARNING), (-1, Verdict.FINE)])
def test_too_few_open_files_are_a_warning(limit: int, verdict: Verdict) -> None:
    assert check_open_files(settings(12), limit).verdict is verdict


def test_this_machine_is_judged_without_a_mistake() -> None:
    one, limits = settings(1), read_limits()
    checks = [check_processors(one, limits), check_memory(one, limits), check_open_files(one)]
    assert all(finding.verdict in (Verdict.FINE, Verdict.WARNING) for finding in checks)
