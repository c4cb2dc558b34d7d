"""The program that operators are given to check a transcript by hand does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage.recovery.sweep import recover
from worker.storage.stores.directory import DirectoryStore
from worker.transcript.render import FORMATS

PAGE = Path(__file__).parents[1] / "docs/how-to/read-and-verify-transcripts.md"


def checked(session: Path) -> subprocess.CompletedProcess[str]:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    # -I: nothing of this project, or of its environment, can be imported.
    return subprocess.run([sys.executable, "-I", "-c", program, session], capture_output=True, text=True, check=False)


@pytest.fixture
async def session(tmp_path: Path) -> Path:
    for number in (1, 2):
        left(tmp_path / "journals", call(number), name=f"AJ_{number}")
    await recover(tmp_path / "journals", DirectoryStore(tmp_path / "transcripts"), FORMATS)
    return tmp_path / "transcripts" / PREFIX / "RM_1-verbatim"


def test_the_check_by_hand_accepts_what_was_stored(session: Path) -> None:
    done = checked(session)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.parametrize("name", ["transcript.md", "parts/AJ_2/000001.jsonl"])
def test_the_check_by_hand_notices_a_changed_file(session: Path, name: str) -> None:
    path = session / name
    path.write_bytes(path.read_bytes().replace(b"words", b"werds"))
    assert checked(session).stderr == f"{name} was changed\n"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b"words 2", b"werds 2", "line 2 of AJ_2 was changed"),
        (b"caller_left", b"room_closed", "line 3 of AJ_2 was changed"),
        (call(2)[2], b"", "AJ_2 does not end as the manifest says"),
    ],
)
def test_the_check_by_hand_notices_changed_lines_also_where_the_hash_was_made_anew(
    session: Path, old: bytes, new: bytes, complaint: str
) -> None:
    from hashlib import sha256

    path, manifest = session / "parts/AJ_2/000001.jsonl", session / "manifest.json"
    before = path.read_bytes()
    path.write_bytes(before.replace(old, new))
    hashes = [sha256(content).hexdigest() for content in (before, path.read_bytes())]
    manifest.write_text(manifest.read_text().replace(*hashes))
    assert checked(session).stderr == f"{complaint}\n"
