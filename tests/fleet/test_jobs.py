"""The channel between the worker and its calls' processes: orders, messages, and the notice of a death."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from worker.fleet import jobs as module
from worker.fleet.jobs import Jobs
from worker.messages import HAND_OVER, LINE_BYTES, Message
from worker.session.channel import Channel

PATIENCE_S = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sock"


@pytest.fixture
async def jobs(path: Path) -> AsyncIterator[Jobs]:
    jobs = Jobs()
    await jobs.start(path)
    yield jobs
    await jobs.close()


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def connected(jobs: Jobs, path: Path, job: str = "AJ_1") -> Channel:
    channel = Channel()
    assert await channel.open(path, job)
    await until(lambda: job in jobs.connected)
    return channel


async def test_an_order_reaches_the_call_that_it_is_for_and_no_other(jobs: Jobs, path: Path) -> None:
    came: list[tuple[str, Message]] = []
    for job in ("AJ_1", "AJ_2"):
        channel = await connected(jobs, path, job)
        channel.on(HAND_OVER, lambda order, job=job: came.append((job, order)))
    assert await jobs.tell("AJ_2", {"type": HAND_OVER, "seconds": 30})
    await until(lambda: came)
    assert came == [("AJ_2", {"type": HAND_OVER, "seconds": 30})]


async def test_a_call_that_has_no_channel_cannot_be_told(jobs: Jobs) -> None:
    assert not await jobs.tell("AJ_9", {"type": HAND_OVER})


async def test_what_a_call_says_reaches_those_who_asked_for_it(jobs: Jobs, path: Path) -> None:
    came: list[tuple[str, Message]] = []
    jobs.subscribe("spool", lambda job, message: came.append((job, message)))
    channel = await connected(jobs, path)
    await channel.send({"type": "latency", "ms": 3})
    channel.post({"type": "spool", "age_s": 1.5})
    await until(lambda: came)
    assert came == [("AJ_1", {"type": "spool", "age_s": 1.5})]


@pytest.mark.parametrize("killed", [True, False])
async def test_a_process_that_has_ended_is_told_nothing_more(jobs: Jobs, path: Path, killed: bool) -> None:
    channel = await connected(jobs, path)
    assert channel._writer is not None
    if killed:
        channel._writer.transport.abort()
    else:
        await channel.close()
    await until(lambda: not jobs.connected)
    assert not await jobs.tell("AJ_1", {"type": "order"})


async def test_a_call_without_a_worker_that_listens_goes_on(path: Path) -> None:
    channel = Channel()
    assert not await channel.open(path, "AJ_1")
    assert not await channel.send({"type": "latency"})
    channel.post({"type": "latency"})
    await channel.close()


async def test_a_call_whose_worker_is_gone_goes_on(jobs: Jobs, path: Path) -> None:
    channel = await connected(jobs, path)
    await jobs.close()
    await until(lambda: channel._writer is not None and channel._writer.is_closing())
    assert not await channel.send({"type": "latency"})
    await channel.close()


async def test_who_does_not_say_whose_process_it_is_is_let_go(
    jobs: Jobs, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()
    assert jobs.connected == frozenset()


@pytest.mark.parametrize("line", [b"no message\n", b'["no", "message"]\n', b'{"no": "type"}\n', b"\xff\n"])
async def test_what_is_no_message_is_passed_over(jobs: Jobs, path: Path, line: bytes) -> None:
    came: list[Message] = []
    jobs.subscribe("latency", lambda _, message: came.append(message))
    channel = await connected(jobs, path)
    assert channel._writer is not None
    channel._writer.write(line)
    await channel.send({"type": "latency"})
    await until(lambda: came)


async def test_a_line_without_an_end_ends_the_channel_and_nothing_else(jobs: Jobs, path: Path) -> None:
    channel, other = await connected(jobs, path), await connected(jobs, path, "AJ_2")
    assert channel._writer is not None
    channel._writer.write(b"x" * (2 * LINE_BYTES))
    await until(lambda: jobs.connected == {"AJ_2"})
    assert await other.send({"type": "latency"})


async def test_a_reader_that_fails_keeps_no_other_from_the_message(jobs: Jobs, path: Path) -> None:
    came: list[Message] = []

    def fail(job: str, message: Message) -> None:
        raise ValueError(job)

    jobs.subscribe("latency", fail)
    jobs.subscribe("latency", lambda _, message: came.append(message))
    channel = await connected(jobs, path)
    await channel.send({"type": "latency"})
    await until(lambda: came)
