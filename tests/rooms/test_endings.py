"""However a call ends, its transcript is stored and says how."""

import asyncio
import signal
from dataclasses import dataclass

import pytest
from livekit import api

from standins.caller import Caller, CallerProcess
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings, until
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess, working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PASSWORD = "I forgot my password."
CARDS = "Do you sell gift cards?"
COMPANY = "Tell me about your company."
ANSWER = "I will send you an email. Open it to set a new password."


@dataclass(frozen=True, slots=True)
class Endings:
    """Calls that ended, each in its way; the exit status of the worker that was told to stop during one."""

    vanished: Stored
    deleted: Stored
    unfinished: Stored
    nobody: Stored
    exited: Stored
    drained: Stored
    exit_status: int


async def _vanish(surroundings: Surroundings) -> Stored:
    room = new_room("vanished")
    async with CallerProcess(surroundings.livekit.url, surroundings.invite(room, agent="desk")) as caller:
        await caller.do("wait_for_agent")
        await caller.do("speak", text=PASSWORD)
        await caller.do("listen")
        await caller.vanish()
        return await surroundings.stored(room, deadline_s=60)


async def _delete_the_room(surroundings: Surroundings) -> Stored:
    room = new_room("deleted")
    async with Caller() as caller, surroundings.api() as server:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="desk"))
        await caller.wait_for_agent()
        await caller.speak(PASSWORD)
        await caller.listen()
        await server.room.delete_room(api.DeleteRoomRequest(room=room))
        return await surroundings.stored(room)


async def _hang_up_with_the_last_word(surroundings: Surroundings) -> Stored:
    room = new_room("unfinished")
    async with Caller() as caller:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="desk"))
        await caller.wait_for_agent()
        # The recogniser decides that a turn is over 300 ms after its last word.
        await caller.speak(PASSWORD)
    return await surroundings.stored(room)


async def _come_to_an_empty_room(surroundings: Surroundings) -> Stored:
    room = new_room("nobody")
    async with surroundings.api() as server:
        await server.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name="desk", room=room))

        await _agent_is(api.ParticipantInfo.State.ACTIVE, server, room)
        await server.room.delete_room(api.DeleteRoomRequest(room=room))
    return await surroundings.stored(room)


async def _agent_is(state: int, server: api.LiveKitAPI, room: str) -> None:
    async def look() -> bool | None:
        present = await server.room.list_participants(api.ListParticipantsRequest(room=room))
        return True if any(one.state >= state for one in present.participants) else None

    await until(look, 20, "no agent came")


async def _lead_the_agent_to_exit(surroundings: Surroundings) -> Stored:
    room = new_room("exited")
    async with Caller() as caller:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="desk"))
        await caller.wait_for_agent()
        await caller.speak(COMPANY)
        assert await caller.wait_until_ended(20) == "ROOM_DELETED"
    return await surroundings.stored(room)


async def _stop_the_worker(surroundings: Surroundings) -> tuple[Stored, int]:
    room = new_room("drained")
    with working(surroundings, "drained", {"VERBATIM_AGENT__GREETING": ""}, wait=False) as worker:
        await asyncio.to_thread(worker.wait_until_ready)
        async with Caller() as caller:
            await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="drained"))
            await caller.wait_for_agent()
            worker.signal(signal.SIGTERM)
            await asyncio.to_thread(worker.wait_until_draining)
            await caller.speak(PASSWORD)
            await caller.listen()
            await caller.speak(CARDS)
            await caller.listen()
        status = await asyncio.to_thread(worker.wait, 20)
        return await surroundings.stored(room, deadline_s=1), status


async def _end_in_every_way(surroundings: Surroundings) -> Endings:
    async def one_after_another() -> tuple[Stored, Stored, Stored, Stored]:
        return (
            await _delete_the_room(surroundings),
            await _hang_up_with_the_last_word(surroundings),
            await _come_to_an_empty_room(surroundings),
            await _lead_the_agent_to_exit(surroundings),
        )

    async with asyncio.TaskGroup() as group:
        vanished = group.create_task(_vanish(surroundings))
        short = group.create_task(one_after_another())
        drained = group.create_task(_stop_the_worker(surroundings))
    last, exit_status = drained.result()
    return Endings(vanished.result(), *short.result(), last, exit_status)


@pytest.fixture(scope="module")
def endings(surroundings: Surroundings, desk: WorkerProcess) -> Endings:
    return asyncio.run(_end_in_every_way(surroundings))


def test_a_deleted_room(endings: Endings) -> None:
    ended = endings.deleted.transcript.ended
    assert (ended.reason, ended.detail) == ("room_closed", "the room was deleted")
    assert_one_question_was_asked_and_answered(endings.deleted)


def test_a_caller_who_vanishes_without_a_goodbye(endings: Endings) -> None:
    ended = endings.vanished.transcript.ended
    assert ended.reason == "caller_left"
    assert ended.detail.startswith("the caller's connection was lost")
    assert_one_question_was_asked_and_answered(endings.vanished)


def test_a_caller_who_hangs_up_with_the_last_word_is_heard_to_the_end(endings: Endings) -> None:
    assert [words(text) for text in endings.unfinished.texts("user")] == [words(PASSWORD)]
    assert endings.unfinished.transcript.ended.reason == "caller_left"


def test_a_room_in_which_nobody_ever_was(endings: Endings) -> None:
    transcript = endings.nobody.transcript
    assert endings.nobody.texts("user") + endings.nobody.texts("agent") == []
    assert transcript.participants == ()
    assert transcript.ended.reason == "room_closed"
    assert transcript.complete


def test_an_agent_whose_code_ends_the_process_ends_the_call_with_it(endings: Endings) -> None:
    """Its tool calls sys.exit(); the job's process, which then waited for ever, is gone as well."""
    transcript = endings.exited.transcript
    assert transcript.ended.reason == "error"
    assert "SystemExit" in transcript.ended.detail
    assert not transcript.complete
    assert [words(text) for text in endings.exited.texts("user")] == [words(COMPANY)]
    (tool,) = [turn.tool for turn in transcript.turns if turn.tool is not None]
    assert (tool.name, tool.failed) == ("describe_company", True)


def test_a_worker_that_is_told_to_stop_lets_its_call_end(endings: Endings) -> None:
    assert [words(text) for text in endings.drained.texts("user")] == [words(PASSWORD), words(CARDS)]
    assert len(endings.drained.texts("agent")) == 2
    assert endings.drained.transcript.complete
    assert endings.drained.transcript.ended.reason == "caller_left"
    assert endings.exit_status == 0


def assert_one_question_was_asked_and_answered(stored: Stored) -> None:
    assert [words(text) for text in stored.texts("user")] == [words(PASSWORD)]
    assert stored.texts("agent") == [ANSWER]
    assert stored.transcript.complete


async def test_a_worker_that_is_told_twice_ends_at_once_and_leaves_its_journal(surroundings: Surroundings) -> None:
    room = new_room("killed")
    with working(surroundings, "killed", {"VERBATIM_AGENT__GREETING": ""}) as worker:
        async with Caller() as caller:
            await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="killed"))
            await caller.wait_for_agent()
            await caller.speak(PASSWORD)
            await caller.listen()
            worker.signal(signal.SIGTERM)
            # Two signals that are sent in one moment arrive as one.
            await asyncio.to_thread(worker.wait_until_draining)
            worker.signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait, 10) == 1
    (journal,) = surroundings.journals.glob("*-killed/*.jsonl")
    assert " ".join(words(PASSWORD)) in " ".join(words(journal.read_text()))
    assert not list(surroundings.transcripts.glob(f"*/*/*/{room}"))


async def test_a_room_that_ends_while_the_agent_comes_is_left_alone_when_it_is_made_anew(
    surroundings: Surroundings, desk: WorkerProcess
) -> None:
    """The room client tries again for a quarter of a minute, and would find the room of whoever calls next."""
    room = new_room("anew")
    async with Caller() as caller, surroundings.api() as server:
        await server.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name="desk", room=room))
        await _agent_is(api.ParticipantInfo.State.JOINING, server, room)
        await server.room.delete_room(api.DeleteRoomRequest(room=room))
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent=None))
        stored = await surroundings.stored(room)
        assert caller.room.isconnected()
    assert stored.transcript.ended.reason == "room_closed"
    assert stored.texts("user") + stored.texts("agent") == []
