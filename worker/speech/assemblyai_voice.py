"""AssemblyAI's streaming voices: the plugin's TTS with an HTTP session of its own."""

from typing import Any

import aiohttp
from livekit.plugins import assemblyai


class AssemblyAIVoice(assemblyai.TTS):
    """Takes the plugin's arguments, and closes the HTTP session that carries its sockets.

    Args:
        http_session: goes the way that the proxy settings say, where the framework's own would take LiveKit's.
        options: passed to `assemblyai.TTS` unchanged.
    """

    def __init__(self, *, http_session: aiohttp.ClientSession, **options: Any) -> None:
        super().__init__(http_session=http_session, **options)
        self._own_session = http_session

    async def aclose(self) -> None:
        """End what runs, and close sockets and HTTP session."""
        await super().aclose()
        await self._own_session.close()
