"""The tools of an MCP server are an agent's tools; a server that is away costs them, and not the call."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from livekit.agents import llm

from config import Settings
from tests.parts.livekit_server import free_ports
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from worker.errors import Misconfigured
from worker.session.conversation import mcp
from worker.session.conversation.agents import build_agent
from worker.session.conversation.mcp import mcp_tools
from worker.transcript.events import ErrorRaised

PROGRAM = """
import sys
from mcp.server import MCPServer
server = MCPServer("shop", log_level="ERROR")

@server.tool()
def stock(article: str) -> str:
    "Tell how many of an article there are."
    return f"There are 7 of {article}."

server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
"""


def settings(url: str) -> Settings:
    headers = {url: {"Authorization": "Bearer x"}}
    return Settings.model_validate({"agent": {"mcp_servers": [url], "mcp_headers": headers}})


@pytest.fixture
async def server() -> AsyncIterator[str]:
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(port))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_a_tool_of_a_server_can_be_called(server: str, recorder: MemoryRecorder) -> None:
    (toolset,) = mcp_tools(settings(server), recorder)
    await toolset.setup()
    (tool,) = toolset.tools
    assert isinstance(tool, llm.RawFunctionTool)
    assert tool.info.name == "stock"
    assert "There are 7 of lamps." in str(await tool(raw_arguments={"article": "lamps"}))
    await toolset.aclose()
    assert recorder.events == []


async def test_a_server_that_is_away_is_an_error_in_the_transcript_and_nothing_else(recorder: MemoryRecorder) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/mcp"
    (toolset,) = mcp_tools(settings(url), recorder)
    async with asyncio.timeout(PATIENCE_S):
        await toolset.setup()
    assert list(toolset.tools) == []
    (error,) = recorder.of(ErrorRaised)
    assert (error.source, error.code, error.fatal) == ("tools", "tools.mcp_unreachable", False)
    await toolset.aclose()


def test_without_servers_there_are_no_tools_of_theirs(recorder: MemoryRecorder) -> None:
    assert mcp_tools(Settings(), recorder) == []


def test_a_missing_package_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match="uv sync --extra mcp"):
        build_agent(settings("https://tools.example.org/mcp"))
