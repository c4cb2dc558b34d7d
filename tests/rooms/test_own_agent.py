"""An operator's own agent: typed questions, tools, a hand-off, and a goodbye that the agent says."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from standins.caller.caller import Caller
from tests.rooms.conversation import Line, new_room
from tests.rooms.surroundings import LLM_KEY, STT_KEY, Stored, Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess

pytestmark = pytest.mark.timeout(120)

WRITTEN = "Do you sell gift cards?"
ORDER = "My order number is four seven two nine."
BROKEN = "The lamp that you sent me is broken."
GOODBYE = "That is all for today."
KEYS = [(4, "4"), (11, "#")]
"""What the caller presses on the phone: code and key."""


@dataclass(frozen=True, slots=True)
class DeskCall:
    """What was stored, the first caption, how the call ended, and what the LLM and the voice were asked for."""

    stored: Stored
    written: str
    ended: str
    chat: list[dict[str, Any]]
    speech: list[dict[str, Any]]


async def _call(surroundings: Surroundings) -> DeskCall:
    room = new_room("desk")
    before = surroundings.openai.log()
    async with Caller() as caller:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="desk"))
        await caller.wait_for_agent()
        line = Line(caller, room)
        for code, digit in KEYS:
            await caller.room.local_participant.publish_dtmf(code=code, digit=digit)
        await caller.send_text(WRITTEN)
        written = await line.listen()
        await line.ask(ORDER)
        await line.ask(BROKEN)
        line.spoken.append(await caller.speak(GOODBYE))
        ended = await caller.wait_until_ended(20)
    after = surroundings.openai.log()
    return DeskCall(
        await surroundings.stored(room),
        written.caption,
        ended,
        after["chat"][len(before["chat"]) :],
        after["speech"][len(before["speech"]) :],
    )


@pytest.fixture(scope="module")
def call(surroundings: Surroundings, desk: WorkerProcess) -> DeskCall:
    return asyncio.run(_call(surroundings))


@pytest.fixture(scope="module")
def stored(call: DeskCall) -> Stored:
    return call.stored


def test_a_written_question_is_in_the_transcript_and_answered(call: DeskCall) -> None:
    stored, answer = call.stored, call.written
    question, reply = [turn for turn in stored.transcript.turns if turn.role in ("user", "agent")][:2]
    assert (question.role, question.source, question.text) == ("user", "chat", WRITTEN)
    assert question.participant == "caller"
    assert (reply.role, reply.text) == ("agent", answer)
    assert answer


def test_all_that_the_caller_said_and_wrote_is_there_once(stored: Stored) -> None:
    assert [words(text) for text in stored.texts("user")] == [words(text) for text in (WRITTEN, ORDER, BROKEN, GOODBYE)]


def test_a_tool_is_in_the_transcript_with_its_arguments_and_its_result(stored: Stored) -> None:
    tools = [turn.tool for turn in stored.transcript.turns if turn.tool is not None]
    assert [tool.name for tool in tools] == ["find_my_order", "replace_broken_goods", "finish_for_today"]
    assert json.loads(tools[0].arguments) == {"order_number": "4729"}
    assert tools[0].output == "Order 4729 is on its way."
    assert tools[1].output == "A colleague takes over."
    assert not any(tool.failed for tool in tools)


def test_everything_is_in_the_journal_before_the_llm_and_the_voice_get_it(call: DeskCall) -> None:
    """The agents before and after the hand-off override every node through which it passes."""
    finals = written(call, "user.final")
    asked = [(request, request["messages"][-1]) for request in call.chat if request["messages"][-1]["role"] == "user"]
    assert len(asked) == 4
    for request, message in asked:
        assert finals[message["content"]].pop(0) <= request["received_at"]
    sentences = written(call, "agent.sentence")
    assert len(call.speech) >= 4
    for request in call.speech:
        assert sentences[request["input"]].pop(0) <= request["received_at"]


def written(call: DeskCall, kind: str) -> dict[str, list[float]]:
    """When each text was handed to the journal, in order: some are said twice."""
    moments: dict[str, list[float]] = {}
    for event in call.stored.events(kind):
        moments.setdefault(event["text"], []).append(moment(event))
    return moments


def moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def test_keys_that_the_caller_presses_and_remarks_of_the_agent_are_in_their_place(stored: Stored) -> None:
    assert [(event["participant"], event["digit"]) for event in stored.events("dtmf")] == [
        ("caller", digit) for _, digit in KEYS
    ]
    remarks = [turn for turn in stored.transcript.turns if turn.role == "system" and "pressed" not in turn.text]
    assert [turn.text for turn in remarks if "agent is now" not in turn.text] == ["the caller knows the order's number"]
    roles = [turn.role for turn in stored.transcript.turns if turn.role != "system" or turn in remarks[:1]]
    assert roles.index("system") > roles.index("user")


def test_a_tools_result_is_told_to_the_caller(stored: Stored) -> None:
    assert "Here is what I found. Order 4729 is on its way." in stored.texts("agent")


def test_a_hand_off_is_in_the_transcript_and_the_call_goes_on(stored: Stored) -> None:
    changes = [event["agent"] for event in stored.events("agent.changed")]
    assert changes[-1] == "replacements"
    kinds = [event["kind"] for event in stored.journal]
    changed = len(kinds) - kinds[::-1].index("agent.changed")
    assert "user.final" in kinds[changed:]


def test_an_agent_that_says_goodbye_ends_the_call_and_closes_the_room(call: DeskCall) -> None:
    assert call.stored.transcript.ended.reason == "goodbye"
    assert call.ended == "ROOM_DELETED"
    assert call.stored.transcript.complete


def test_a_log_that_tells_all_tells_no_word_of_the_call_and_no_secret(
    stored: Stored, desk: WorkerProcess, surroundings: Surroundings
) -> None:
    assert "transcript stored" in desk.log
    log = " ".join(words(desk.log))
    sentences = [*stored.texts("user"), *stored.texts("agent"), "order 4729 is on its way"]
    assert [text for text in sentences if " ".join(words(text)) in log] == []
    secrets = [surroundings.livekit.api_secret, STT_KEY, LLM_KEY]
    assert [secret for secret in secrets if secret in desk.log] == []


def test_a_dead_proxy_is_not_used_on_loopback(stored: Stored, desk: WorkerProcess) -> None:
    """The worker of this call has HTTP_PROXY, HTTPS_PROXY and ALL_PROXY set to a port where nobody listens."""
    assert stored.transcript.errors == ()
    assert stored.texts("user")
