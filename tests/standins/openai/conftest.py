"""The official SDK as a client of the stand-in."""

from collections.abc import AsyncIterator

import openai
import pytest

from tests.parts.standins import Standin

FAST = {"first_token_ms": 0, "tokens_per_second": 2000, "first_byte_ms": 0, "strict": False}


@pytest.fixture
async def client(openai_standin: Standin) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK, pointed at a fast stand-in; loopback goes through no proxy, and nothing is retried in silence."""
    openai_standin.call("POST", "/control/settings", FAST)
    http_client = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(
        api_key="offline",
        base_url=f"{openai_standin.url}/v1",
        http_client=http_client,
        max_retries=0,
        timeout=10,
    ) as sdk:
        yield sdk
