"""Tools of MCP servers that the settings name, for every agent of a call."""

import asyncio
import importlib.util
import logging
from typing import TYPE_CHECKING, Final

from config import Settings
from worker.errors import Misconfigured
from worker.speech.catalogue import error_raised
from worker.speech.recorder import Recorder

if TYPE_CHECKING:
    from livekit.agents.llm.mcp import MCPToolset

logger = logging.getLogger("verbatim.call")

CONNECT_SECONDS: Final = 3.0
"""How long a call's beginning waits for the tools of a server: the caller waits as long for the first word."""


def require_mcp(settings: Settings) -> None:
    """Check that what speaks the protocol is installed, where a server is named.

    Raises:
        Misconfigured: it is not.
    """
    if settings.agent.mcp_servers and importlib.util.find_spec("mcp") is None:
        raise Misconfigured(
            "agent.mcp_servers needs the package mcp, which is not installed; install it with: uv sync --extra mcp"
        )


def mcp_tools(settings: Settings, recorder: Recorder) -> "list[MCPToolset]":
    """Return the tools of each server; they are asked for when the session starts.

    Args:
        settings: `agent.mcp_servers` and `agent.mcp_headers`.
        recorder: is told when a server cannot be reached, which costs its tools and not the call.
    """
    if not settings.agent.mcp_servers:
        return []
    from livekit.agents.llm.mcp import MCPServerHTTP, MCPToolset

    class OptionalToolset(MCPToolset):
        """Does without its tools where its server gives none in time."""

        async def setup(self, *, reload: bool = False) -> "OptionalToolset":
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await super().setup(reload=reload)
            except Exception as error:
                logger.warning("the tools of %s could not be asked for: %s", self.id, type(error).__name__)
                recorder.append(error_raised("tools.mcp_unreachable"))
            return self

    headers = settings.agent.mcp_headers
    return [
        OptionalToolset(
            id=url,
            mcp_server=MCPServerHTTP(url, headers=_headers(headers.get(url)), timeout=CONNECT_SECONDS),
        )
        for url in settings.agent.mcp_servers
    ]


def _headers(given: object) -> dict[str, str]:
    return {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
