"""What the worker relies on in chat completions: of the stand-in always, of the service in `make test-live`."""

from collections.abc import Iterator
from typing import Any

from tests.contract import openai_probes as probes
from tests.contract.conftest import Side
from tests.contract.recording import Recording
from tests.contract.services import ChatService

CHUNK = "chat.completion.chunk"


def deltas(recording: Recording) -> Iterator[Any]:
    """What each chunk adds."""
    for chunk in recording.forms(CHUNK):
        yield from (choice["delta"] for choice in chunk["choices"]["each"])


def reasons(recording: Recording) -> list[str]:
    """Why the answer ended, once for each time that it was said."""
    choices = [choice for chunk in recording.forms(CHUNK) for choice in chunk["choices"]["each"]]
    return [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]


def test_a_streamed_answer_comes_as_events_with_the_fields_that_are_read(chat: Side[ChatService]) -> None:
    answer = chat.record(probes.ANSWER)
    assert (answer.status, answer.content_type, answer.in_time) == (200, "text/event-stream", True)
    for chunk in answer.forms(CHUNK):
        assert {"id": "text", "object": CHUNK, "created": "number", "model": "text"}.items() <= chunk.items()
    assert answer.frames[-1].kind == probes.DONE


def test_a_streamed_answer_comes_in_pieces_and_the_first_says_who_speaks(chat: Side[ChatService]) -> None:
    told = list(deltas(chat.record(probes.ANSWER)))
    assert told[0]["role"] == "assistant"
    assert sum(delta.get("content") == "text" for delta in told) > 1


def test_an_answer_ends_once_with_its_reason(chat: Side[ChatService]) -> None:
    assert reasons(chat.record(probes.ANSWER)) == ["stop"]


def test_the_usage_comes_last_in_a_chunk_without_choices(chat: Side[ChatService]) -> None:
    last = chat.record(probes.ANSWER).forms(CHUNK)[-1]
    assert last["choices"]["count"] == 0
    assert all(last["usage"][name] > 0 for name in ("prompt_tokens", "completion_tokens", "total_tokens"))


def test_a_tool_call_has_its_name_and_id_first_and_then_its_arguments_in_pieces(chat: Side[ChatService]) -> None:
    answer = chat.record(probes.TOOL_CALL)
    calls = [call for delta in deltas(answer) if delta.get("tool_calls") for call in delta["tool_calls"]["each"]]
    assert calls[0]["index"] == "number"
    assert (calls[0]["id"], calls[0]["type"], calls[0]["function"]["name"]) == ("text", "function", "text")
    assert any(call["function"]["arguments"] == "text" for call in calls[1:])
    assert reasons(answer) == ["tool_calls"]


def test_the_models_are_listed_and_the_one_in_use_is_among_them(chat: Side[ChatService]) -> None:
    listed = chat.record(probes.MODELS)
    assert listed.status == 200
    assert listed.forms("list")[0]["data"]["count"] > 0
    assert listed.facts["model_listed"] is True


def test_a_wrong_key_is_refused_with_a_sentence(chat: Side[ChatService]) -> None:
    refused = chat.record(probes.REFUSED_CHAT)
    assert refused.status == 401
    assert refused.forms("an error body")[0]["error"]["message"] == "text"
