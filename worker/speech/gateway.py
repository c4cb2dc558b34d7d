"""AssemblyAI's LLM Gateway as the session's LLM: OpenAI's chat API under another kind of key.

Source: AssemblyAI, LLM Gateway: `Authorization` holds the bare key, where OpenAI's own client writes `Bearer`
before it.
"""

from typing import Final

import httpx2
import openai as openai_sdk
from livekit.plugins import openai

TIMEOUT: Final = httpx2.Timeout(connect=15.0, read=5.0, write=5.0, pool=5.0)
"""The plugin's own (livekit-plugins-openai 1.8.9); the session's timeout of a request replaces it."""


class GatewayLLM(openai.LLM):
    """The plugin's LLM with a client of ours.

    Args:
        model: exact, versioned name.
        temperature: 0 to 2.
        api_key: of the AssemblyAI account.
        base_url: version included.
    """

    def __init__(self, *, model: str, temperature: float, api_key: str, base_url: str) -> None:
        client = openai_sdk.AsyncClient(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            default_headers={"Authorization": api_key},
            http_client=httpx2.AsyncClient(timeout=TIMEOUT),
        )
        super().__init__(model=model, temperature=temperature, client=client)
        self._own_client = client

    async def aclose(self) -> None:
        """End what runs, and close the client."""
        await super().aclose()
        await self._own_client.close()
