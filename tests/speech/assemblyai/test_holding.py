"""An agent that waits for another one to leave recognises nothing, and then all that was said since."""

import asyncio
from array import array
from types import SimpleNamespace

import pytest

from tests.speech.conftest import MakeStt
from tests.speech.listening import listening, voice
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import ScriptedServer, until_terminated
from worker.speech.assemblyai import RecordingStream
from worker.speech.assemblyai import stream as module
from worker.transcript.events import Gap

BEFORE, AFTER = 1, 2


def mark(chunk: bytes) -> int:
    """Which voice it is; what is below 0 is silence."""
    return array("h", chunk)[0] - 4000


async def kept(stream: RecordingStream, chunks: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while stream._backlog.new_chunks < chunks:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_nothing_is_recognised_while_another_agent_listens(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        owner.hold()
        async with listening(owner) as stream:
            for _ in range(3 * 20):
                stream.push_frame(voice(200))
            await let_others_run()
            assert not owner.words_pending
    assert server.connections == []
    assert recorder.of(Gap) == []


async def test_then_what_was_heard_since_is_recognised_and_nothing_before(
    make_stt: MakeStt, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now))
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        owner.hold()
        async with listening(owner) as stream:
            stream.push_frame(voice(200, BEFORE))
            await kept(stream, 5)  # the silence at the beginning is one of them
            now = 101.0
            stream.push_frame(voice(200, AFTER))
            await kept(stream, 9)
            owner.listen(since=101.0)
            connection = await server.connection()
            async with asyncio.timeout(PATIENCE_S):
                await connection.until(lambda self: len(self.chunks) >= 4)
    assert {mark(chunk) for chunk in connection.chunks if mark(chunk) >= 0} == {AFTER}
