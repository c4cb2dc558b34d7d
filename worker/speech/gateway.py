"""AssemblyAI's LLM Gateway as the session's LLM: OpenAI's chat API, with two differences.

Sources: AssemblyAI, LLM Gateway: `Authorization` holds the bare key, where OpenAI's own client writes `Bearer` before
it; and not every model's answer is streamed. One that comes whole is handed on as a stream of one piece.
"""

import json
from typing import Any, Final

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
            http_client=_StreamingClient(timeout=TIMEOUT),
        )
        super().__init__(model=model, temperature=temperature, client=client)
        self._own_client = client

    async def aclose(self) -> None:
        """End what runs, and close the client."""
        await super().aclose()
        await self._own_client.close()


class _StreamingClient(httpx2.AsyncClient):
    """Gives a stream wherever one was asked for."""

    async def send(self, request: httpx2.Request, **more: Any) -> httpx2.Response:
        response = await super().send(request, **more)
        kind = response.headers.get("Content-Type", "")
        if not (more.get("stream") and response.is_success and kind.startswith("application/json")):
            return response
        try:
            events = _as_events(json.loads(await response.aread()))
        finally:
            await response.aclose()
        headers = {"Content-Type": "text/event-stream"}
        return httpx2.Response(response.status_code, headers=headers, content=events, request=request)


def _as_events(answer: dict[str, Any]) -> bytes:
    """Return a whole chat completion as the events of a stream (OpenAI API reference, "Chat completion chunk")."""
    common = {name: answer.get(name) for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    choices = []
    for choice in answer.get("choices", []):
        message = choice.get("message", {})
        delta = {"role": "assistant", "content": message.get("content")}
        if calls := message.get("tool_calls"):
            delta["tool_calls"] = [{"index": index} | call for index, call in enumerate(calls)]
        choices.append({"index": 0, "delta": delta, "finish_reason": choice.get("finish_reason") or "stop"})
    chunks = [common | {"choices": choices}, common | {"choices": [], "usage": answer.get("usage")}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"
