"""Each fault, as the official SDK meets it."""

import json
import urllib.error

import openai
import pytest

from tests.parts.standins import Standin

SOON_S = 0.5


async def ask(client: openai.AsyncOpenAI) -> str:
    text = ""
    async for chunk in await client.with_options(timeout=SOON_S).chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Where is my order?"}], stream=True
    ):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    return text


async def speak(client: openai.AsyncOpenAI) -> bytes:
    answer = await client.with_options(timeout=SOON_S).audio.speech.create(
        model="tts-1", voice="ash", input="Where is my order?", response_format="pcm"
    )
    return answer.content


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_a_status_is_answered_in_the_apis_own_form(
    client: openai.AsyncOpenAI, openai_standin: Standin, status: int, error: type[openai.APIStatusError]
) -> None:
    openai_standin.set_fault("status", service="chat", status=status, retry_after_s=7)
    with pytest.raises(error) as failed:
        await ask(client)
    assert failed.value.status_code == status
    assert failed.value.response.headers["retry-after"] == "7"
    assert isinstance(failed.value.body, dict)
    assert failed.value.body["message"]


async def test_a_counted_fault_ends_by_itself(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    openai_standin.set_fault("status", status=500, count=1)
    with pytest.raises(openai.InternalServerError):
        await ask(client)
    assert await ask(client)


@pytest.mark.needs("speech")
async def test_a_fault_of_one_service_leaves_the_other_alone(
    client: openai.AsyncOpenAI, openai_standin: Standin
) -> None:
    openai_standin.set_fault("status", service="speech", status=503)
    assert await ask(client)
    with pytest.raises(openai.InternalServerError):
        await speak(client)


@pytest.mark.parametrize("fault", ["hang", "stall"])
async def test_a_client_without_an_answer_gives_up(
    client: openai.AsyncOpenAI, openai_standin: Standin, fault: str
) -> None:
    openai_standin.set_fault(fault, service="chat")
    with pytest.raises((openai.APITimeoutError, openai.APIConnectionError)):
        await ask(client)


@pytest.mark.needs("speech")
@pytest.mark.parametrize("fault", ["hang", "stall", "cut"])
async def test_speech_that_does_not_come_to_its_end_is_an_error(
    client: openai.AsyncOpenAI, openai_standin: Standin, fault: str
) -> None:
    openai_standin.set_fault(fault, service="speech")
    with pytest.raises(openai.APIConnectionError):
        await speak(client)


async def test_a_stream_that_is_cut_gives_its_first_pieces_and_an_error(
    client: openai.AsyncOpenAI, openai_standin: Standin
) -> None:
    openai_standin.set_fault("cut", service="chat", after=3)
    with pytest.raises(openai.APIConnectionError):
        await ask(client)
    entry = openai_standin.log()["chat"][-1]
    assert (entry["pieces_sent"], entry["outcome"]) == (3, "faulted")


async def test_garbage_is_not_an_answer(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    openai_standin.set_fault("garbage", service="chat")
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError, openai.APIError)):
        await ask(client)


async def test_a_refused_connection_and_its_end(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    openai_standin.set_fault("refuse")
    with pytest.raises(openai.APIConnectionError):
        await ask(client)
    openai_standin.clear_faults()
    assert await ask(client)


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "earthquake"},
        {"fault": "status"},
        {"fault": "status", "status": 200},
        {"fault": "hang", "x": 1},
        [],
    ],
)
def test_a_fault_that_is_not_known_is_refused(openai_standin: Standin, fault: dict[str, object]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        openai_standin.call("POST", "/control/faults", fault)


def test_a_setting_that_is_not_known_is_refused(openai_standin: Standin) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        openai_standin.call("POST", "/control/settings", {"speed_of_light": 1})
