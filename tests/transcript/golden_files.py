"""The journals of `calls` and every form of their transcripts, as files that are read when a form changes.

`python -m tests.transcript.golden_files` writes them anew. Read the difference before you keep it.
"""

import shutil
from pathlib import Path

from tests.transcript.calls import CALLS, transcript_of
from worker.transcript.render import FORMATS

GOLDEN = Path(__file__).parent / "golden"
RENEW = "python -m tests.transcript.golden_files"


def files_of(call: str) -> dict[str, bytes]:
    """Return what is in a call's directory, by name."""
    journals = CALLS[call]()
    transcript = transcript_of(journals)
    return journals | {f"transcript.{name}": render(transcript).encode() for name, render in FORMATS.items()}


def stored(call: str) -> dict[str, bytes]:
    """Return what is in a call's directory now."""
    return {path.name: path.read_bytes() for path in sorted((GOLDEN / call).iterdir())}


if __name__ == "__main__":
    shutil.rmtree(GOLDEN)
    for call in CALLS:
        (GOLDEN / call).mkdir(parents=True)
        for name, content in files_of(call).items():
            (GOLDEN / call / name).write_bytes(content)
