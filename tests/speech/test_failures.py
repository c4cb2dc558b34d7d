"""Each failure of a speech component finds its code in the catalogue."""

import socket
import ssl

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError, llm
from livekit.plugins import openai

from tests.parts.livekit_server import free_ports
from worker.speech.catalogue import CATALOGUE
from worker.speech.failures import code_of, code_of_report


def caused(cause: BaseException) -> APIConnectionError:
    error = APIConnectionError()
    error.__cause__ = cause
    return error


def status(number: int, message: str = "", **body: object) -> APIStatusError:
    return APIStatusError(message, status_code=number, body=body)


class RemoteProtocolError(Exception):
    """As httpcore2 names a connection that ends in the middle."""


class ReadTimeout(Exception):
    """As httpx2 names a body that stops."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (status(401), "llm.http_401"),
        (status(404, code="model_not_found"), "llm.http_404"),
        (status(429, code="rate_limit_exceeded"), "llm.http_429"),
        (status(429, code="insufficient_quota"), "llm.quota"),
        (status(429, error={"type": "insufficient_quota"}), "llm.quota"),
        (status(400, code="context_length_exceeded"), "llm.context_length"),
        (status(400, "This model's maximum context length is 8192 tokens."), "llm.context_length"),
        (status(400, "bad"), "llm.http_400"),
        (status(400, code="content_filter"), "llm.content_filter"),
        (status(503), "llm.http_503"),
        (status(-1), "llm.cut"),
        (APITimeoutError(), "llm.timeout"),
        (TimeoutError(), "llm.timeout"),
        (caused(ReadTimeout()), "llm.timeout"),
        (caused(ConnectionRefusedError()), "llm.refused"),
        (caused(socket.gaierror()), "llm.dns"),
        (caused(ssl.SSLCertVerificationError()), "llm.certificate"),
        (caused(RemoteProtocolError()), "llm.cut"),
        (caused(ConnectionResetError()), "llm.cut"),
        (APIConnectionError(), "llm.network"),
        (OSError(), "llm.network"),
        (APIError("no audio frames were pushed for text: my secret"), "llm.no_audio"),
    ],
)
def test_a_model_s_failure(error: Exception, code: str) -> None:
    assert code_of("llm", error) == code
    assert code in CATALOGUE or code == "llm.no_audio"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (status(401), "assemblyai.http_401"),
        (status(429), "assemblyai.http_429"),
        (status(1008, "Unauthorized connection: Too many concurrent sessions"), "assemblyai.too_many_sessions"),
        (status(1008, "Unauthorized connection: Missing Authorization header"), "assemblyai.close_1008"),
        (status(3008), "assemblyai.close_3008"),
        (status(1006), "assemblyai.closed"),
        (status(-1), "assemblyai.closed"),
        (caused(ConnectionRefusedError()), "stt.refused"),
        (APITimeoutError(), "stt.timeout"),
    ],
)
def test_the_recogniser_s_failure(error: Exception, code: str) -> None:
    assert code_of("stt", error) == code
    assert code in CATALOGUE


@pytest.mark.parametrize(
    ("number", "code"), [(1008, "tts.close_1008"), (3006, "tts.close_3006"), (1006, "tts.cut"), (-1, "tts.cut")]
)
def test_the_failure_of_a_voice_that_comes_over_a_socket(number: int, code: str) -> None:
    assert code_of("tts", status(number, error_code=number, error="a secret")) == code
    assert code in CATALOGUE


def test_a_component_that_knows_its_code_is_believed() -> None:
    error = APIConnectionError()
    error.code = "assemblyai.silent"  # type: ignore[attr-defined]
    assert code_of("stt", error) == "assemblyai.silent"


def test_what_nobody_foresaw_has_a_code_of_its_class() -> None:
    assert code_of_report(ValueError("a secret")) == "call.ValueError"


async def test_a_port_on_which_nobody_listens_is_told_as_such() -> None:
    (port,) = free_ports(1)
    model = openai.LLM(model="m", api_key="k", base_url=f"http://127.0.0.1:{port}/v1")
    reports: list[llm.LLMError] = []
    model.on("error", reports.append)
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Hello.")
    async with model.chat(chat_ctx=context, conn_options=APIConnectOptions(max_retry=0)) as stream:
        with pytest.raises(APIConnectionError):
            await anext(aiter(stream))
    await model.aclose()
    assert code_of_report(reports[-1]) == "llm.refused"
