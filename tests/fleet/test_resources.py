"""What a process may use, as the files of control groups say it."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from worker.fleet import resources
from worker.fleet.admission import CALL_BYTES

MB = 1_000_000


def groups(tmp_path: Path, own: str, files: Mapping[str, str]) -> tuple[Path, Path]:
    root = tmp_path / "cgroup"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "own").write_text(own)
    return root, tmp_path / "own"


def test_without_control_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    found = resources.memory(tmp_path / "none", tmp_path / "none")
    assert found.limit == psutil.virtual_memory().total
    assert resources.cores(tmp_path / "none", tmp_path / "none") >= 1


def test_a_container_s_limits_are_at_its_root(tmp_path: Path) -> None:
    files = {
        "cpu.max": "50000 100000\n",
        "memory.max": f"{500 * MB}\n",
        "memory.current": f"{300 * MB}\n",
        "memory.stat": f"anon 1\ninactive_file {100 * MB}\nactive_file 2\n",
    }
    root, own = groups(tmp_path, "0::/\n", files)
    found = resources.memory(root, own)
    assert (found.limit, found.used) == (500 * MB, 200 * MB)
    assert resources.cores(root, own) == 0.5


def test_a_group_s_path_that_cannot_be_seen_from_inside_is_no_matter(tmp_path: Path) -> None:
    root, own = groups(tmp_path, "0::/../../host/pod7\n", {"cpu.max": "50000 100000"})
    assert resources.cores(root, own) == 0.5


def test_the_tightest_of_the_groups_above_counts(tmp_path: Path) -> None:
    files = {
        "a.slice/memory.max": f"{900 * MB}",
        "a.slice/memory.current": f"{850 * MB}",
        "a.slice/memory.stat": "",
        "a.slice/b.service/memory.max": f"{500 * MB}",
        "a.slice/b.service/memory.current": f"{100 * MB}",
        "a.slice/b.service/memory.stat": "",
        "a.slice/cpu.max": "25000 100000",
        "a.slice/b.service/cpu.max": "max 100000",
    }
    root, own = groups(tmp_path, "0::/a.slice/b.service\n", files)
    found = resources.memory(root, own)
    assert (found.limit, found.used) == (900 * MB, 850 * MB)
    assert resources.cores(root, own) == 0.25


def test_no_limit_is_none(tmp_path: Path) -> None:
    files = {"cpu.max": "max 100000", "memory.max": "max", "memory.current": "1", "memory.stat": ""}
    root, own = groups(tmp_path, "0::/\n", files)
    assert resources.memory(root, own).limit == psutil.virtual_memory().total
    assert resources.cores(root, own) >= 1


def test_control_groups_of_version_1_are_read_as_well(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/x": "",
        "cpu/job/cpu.cfs_quota_us": "150000",
        "cpu/job/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": f"{500 * MB}",
        "memory/job/memory.usage_in_bytes": f"{300 * MB}",
        "memory/job/memory.stat": f"total_inactive_file {100 * MB}\n",
    }
    root, own = groups(tmp_path, "5:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/job\n", files)
    found = resources.memory(root, own)
    assert (found.limit, found.used) == (500 * MB, 200 * MB)
    assert resources.cores(root, own) == min(1.5, resources.cores(tmp_path, tmp_path / "none"))


def test_a_quota_of_minus_1_is_none(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}
    root, own = groups(tmp_path, "5:cpu:/\n", files)
    assert resources.cores(root, own) >= 1


def test_one_more_call_needs_what_the_largest_have_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_sizes", lambda: iter([40 * MB, 300 * MB, 200 * MB]))
    assert resources.call_bytes(2) == 250 * MB
    assert resources.call_bytes(9) == 180 * MB
    assert resources.call_bytes(0) == CALL_BYTES


def test_without_large_ones_a_call_is_given_the_usual_room() -> None:
    assert resources.call_bytes(1) >= CALL_BYTES
