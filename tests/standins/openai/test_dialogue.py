"""The scripted dialogue: the same conversation always gets the same answer."""

from pathlib import Path
from typing import Any

import pytest

import standins
from standins.openai import replies
from standins.openai.dialogue import Call, Say, UnmatchedError, answer
from standins.openai.requests import ChatRequest

PHRASES = Path(standins.__file__).parent / "assemblyai" / "phrases.txt"


def request(*messages: tuple[str, Any], **more: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": "m", "messages": [{"role": role, "content": content} for role, content in messages], **more}
    )


def said(*messages: tuple[str, Any], strict: bool = False) -> str:
    spoken = answer(request(*messages), strict=strict)
    assert isinstance(spoken, Say)
    return spoken.text


@pytest.mark.parametrize("role", ["system", "developer"])
def test_an_instruction_to_greet_gets_the_greeting_which_says_that_it_is_scripted(role: str) -> None:
    greeting = said((role, "You are a helpful assistant."), (role, "Greet the user and offer your help."))
    assert greeting == replies.GREETING
    assert "follows a script" in greeting


def test_an_instruction_in_the_middle_of_a_call_is_followed() -> None:
    call = (("system", "Be brief."), ("assistant", "Hello."), ("user", "hi"), ("assistant", "Hello."))
    assert said(*call, ("system", "Ask whether the user is still there.")) == replies.STILL_THERE
    assert said(*call, ("system", "Say goodbye to the user.")) == replies.FAREWELL


def test_content_may_be_a_string_or_a_list_of_parts() -> None:
    parts = [{"type": "text", "text": "where is"}, {"type": "text", "text": "my order"}]
    assert said(("user", parts)) == said(("user", "Where is my order?"))


def test_the_same_topic_again_gets_the_next_reply() -> None:
    first = said(("user", "Where is my order?"))
    second = said(("user", "Where is my order?"), ("assistant", first), ("user", "When will it arrive?"))
    assert first != second
    assert "Friday" in second


def test_a_sentence_that_no_rule_covers_is_repeated_with_what_answers_here() -> None:
    reply = said(("user", "The elephant likes music."))
    assert reply.startswith("I heard you say, The elephant likes music.")
    assert "demo" in reply


def test_a_strict_dialogue_refuses_what_no_rule_covers() -> None:
    with pytest.raises(UnmatchedError):
        said(("user", "The elephant likes music."), strict=True)


def test_one_answer_is_long_enough_to_be_interrupted() -> None:
    assert said(("user", "Tell me about your company.")).count(".") >= 4


def test_a_request_to_repeat_gets_the_last_answer_again() -> None:
    history = (("user", "Tell me a joke."), ("assistant", "One joke."))
    assert said(*history, ("user", "Could you say that again?")) == "One joke."


def test_words_without_letters_are_not_understood() -> None:
    assert said(("user", " ... ")) == replies.NOT_HEARD


@pytest.mark.parametrize(
    "phrase", [line for line in PHRASES.read_text().splitlines() if line and not line.startswith("#")]
)
def test_every_phrase_of_the_demo_is_covered_by_a_rule(phrase: str) -> None:
    assert said(("user", phrase), strict=True)


def test_a_tools_result_is_spoken() -> None:
    spoken = answer(request(("user", "the weather?"), ("tool", "It rains.")))
    assert spoken == Say("Here is what I found. It rains.")


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Looks up the weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def test_a_tool_that_the_words_ask_for_is_called() -> None:
    spoken = answer(request(("user", "What is the weather in Paris?"), tools=[WEATHER]))
    assert spoken == Call("get_weather", '{"city": "What is the weather in Paris?"}')


def test_a_tool_that_nobody_asked_for_is_not_called() -> None:
    assert isinstance(answer(request(("user", "Tell me a joke."), tools=[WEATHER])), Say)


def test_no_tool_is_called_when_the_request_forbids_it() -> None:
    spoken = answer(request(("user", "What is the weather?"), tools=[WEATHER], tool_choice="none"))
    assert isinstance(spoken, Say)
