"""Written, synced, and only then accepted, sent to the LLM and to the TTS: as the system itself saw it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.fragile_call import Exchange
from tests.faults.sentences import SPOKEN
from tests.faults.strace import SystemCall, read_calls, traced
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import working

WRITES = ("write", "writev", "pwrite64", "sendto", "sendmsg")
SYNCS = ("fdatasync", "fsync")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a call: what its process asked of the system, what was said, and where the LLM and TTS listen."""

    calls: Sequence[SystemCall]
    sentence: str
    port: int

    def synced_at(self, kind: str, text: str) -> float:
        """When the first journal line of a kind with this text was on the disk."""
        written = next(
            call
            for call in self.calls
            if call.name in WRITES and call.target.endswith(".jsonl") and has_line(call.data, kind, text)
        )
        synced = next(
            call
            for call in self.calls
            if call.name in SYNCS and call.descriptor == written.descriptor and call.began_at >= written.ended_at
        )
        assert synced.result == 0
        return synced.ended_at

    def requests(self, path: str) -> Iterator[tuple[float, bytes]]:
        """When each request for a path began, and all that was sent from there to the next on its connection."""
        sent = [call for call in self.calls if call.name in WRITES and call.target.endswith(f":{self.port}]")]
        for at, call in enumerate(sent):
            if call.data.startswith(f"POST {path} ".encode()):
                following = [each for each in sent[at + 1 :] if each.descriptor == call.descriptor]
                rest = b""
                for each in following:
                    if each.data.startswith(b"POST "):
                        break
                    rest += each.data
                yield call.began_at, call.data + rest


@pytest.fixture
async def turn(surroundings: Surroundings, tmp_path: Path) -> Turn:
    with working(surroundings, "traced") as worker:
        exchange = Exchange(surroundings.assemblyai)
        call = await exchange.connect(surroundings, "traced", "traced", worker.pid)
        try:
            await call.caller.listen()
            with traced(call.job.pid, [*WRITES, *SYNCS], tmp_path / "trace", sync_ms=60):
                await call.caller.speak(SPOKEN)
                await call.caller.listen()
        finally:
            await call.hang_up()
        await surroundings.stored(call.room)
    port = urlsplit(surroundings.openai.url).port
    assert port is not None
    return Turn(read_calls((tmp_path / "trace").read_text()), call.sentences[0], port)


@pytest.mark.slow
@pytest.mark.needs("linux", "strace")
def test_words_are_synced_before_the_llm_gets_them_and_sentences_before_the_tts_does(turn: Turn) -> None:
    (asked,) = turn.requests("/v1/chat/completions")
    assert turn.sentence.encode() in asked[1]
    assert turn.synced_at("user.final", turn.sentence) <= asked[0]
    spoken = list(turn.requests("/v1/audio/speech"))
    assert len(spoken) >= 2
    for began_at, request in spoken:
        assert turn.synced_at("agent.sentence", spoken_text(request)) <= began_at


def has_line(data: bytes, kind: str, text: str) -> bool:
    """Whether journal lines have an event of a kind with a text."""
    events = [json.loads(line) for line in data.splitlines()]
    return any(event["kind"] == kind and event["text"].strip() == text for event in events)


def spoken_text(request: bytes) -> str:
    text: str = json.loads(request.partition(b"\r\n\r\n")[2])["input"]
    return text.strip()


APPENDS = """
import asyncio, sys
from pathlib import Path
from worker.storage.journal.journal import Journal
from worker.transcript.events import Note

async def main():
    sys.stdin.readline()
    journal = await Journal.create(Path(sys.argv[1]), "RM_1-verbatim", "AJ_1", append_deadline_ms=20_000)
    await journal.append(Note(text="two large pizzas"))
    print("accepted", flush=True)
    await journal.close()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.needs("linux", "strace")
def test_what_is_accepted_was_synced_by_the_system_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-c", APPENDS, str(tmp_path / "journals")]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer,
        traced(writer.pid, ["write", *SYNCS], tmp_path / "trace", sync_ms=60),
    ):
        assert writer.communicate("begin\n", timeout=30)[0] == "accepted\n"
    calls = read_calls((tmp_path / "trace").read_text())
    journal = tmp_path / "journals" / "RM_1-verbatim" / "AJ_1.jsonl"
    (told,) = [call for call in calls if call.data.startswith(b"accepted")]
    (written,) = [call for call in calls if call.name == "write" and call.target == str(journal)]
    (synced,) = [call for call in calls if call.name in SYNCS and call.target == str(journal)]
    (named,) = [call for call in calls if call.name in SYNCS and call.target == str(journal.parent)]
    assert (written.result, synced.result, named.result) == (len(written.data), 0, 0)
    assert named.ended_at <= written.began_at
    assert written.ended_at <= synced.began_at
    assert synced.ended_at <= told.began_at
