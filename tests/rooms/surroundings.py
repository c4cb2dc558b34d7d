"""Everything around a worker that a call needs: a livekit-server, the stand-ins, a directory for what is stored."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from livekit import api

from standins.caller import caller_token
from tests.parts.livekit_server import LiveKitServer
from tests.parts.standins import Standin
from worker.storage.names import encode
from worker.transcript.model import Transcript

STORED_WITHIN_S = 30.0
LOOKED_EVERY_S = 0.05  # a directory tells nobody that it changed, and nor does a server that a room is gone
STT_KEY = "stt-key-of-the-rooms"
LLM_KEY = "llm-key-of-the-rooms"
FOREIGN = ("LIVEKIT_", "VERBATIM_", "ASSEMBLYAI_", "OPENAI_")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored transcript: as parsed, its files, and its journal as it was shipped."""

    transcript: Transcript
    manifest: Mapping[str, Any]
    directory: Path

    def texts(self, role: str) -> list[str]:
        """What one role said, turn by turn."""
        return [turn.text for turn in self.transcript.turns if turn.role == role]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The journal's events of a kind, in order."""
        return [event for event in self.journal if event["kind"] == kind]

    @property
    def journal(self) -> list[dict[str, Any]]:
        """All events of all parts, in order."""
        segments = sorted(self.directory.glob("parts/*/*.jsonl"))
        return [json.loads(line) for segment in segments for line in segment.read_text().splitlines()]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker works with."""

    livekit: LiveKitServer
    assemblyai: Standin
    openai: Standin
    directory: Path

    @property
    def transcripts(self) -> Path:
        """Where transcripts are stored."""
        return self.directory / "transcripts"

    @property
    def journals(self) -> Path:
        """Where journals are written."""
        return self.directory / "journals"

    def environment(self, port: int, settings: Mapping[str, str]) -> dict[str, str]:
        """The environment of a worker that serves its health on `port`."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return own | self.variables(port, settings)

    def variables(self, port: int, settings: Mapping[str, str]) -> dict[str, str]:
        """The part of that environment which is the worker's alone."""
        return {
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": self.livekit.api_key,
            "LIVEKIT_API_SECRET": self.livekit.api_secret,
            "ASSEMBLYAI_API_KEY": STT_KEY,
            "OPENAI_API_KEY": LLM_KEY,
            "OPENAI_BASE_URL": f"{self.openai.url}/v1",
            "VERBATIM_STT__BASE_URL": self.assemblyai.websocket_url,
            "VERBATIM_STORAGE__URL": self.transcripts.as_uri(),
            "VERBATIM_STORAGE__JOURNAL_DIR": str(self.journals),
            "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
            "VERBATIM_FLEET__HEALTH_PORT": str(port),
            "VERBATIM_FLEET__IDLE_PROCESSES": "1",
            **settings,
        }

    def invite(self, room: str, identity: str = "caller", agent: str | None = "verbatim") -> str:
        """A token for `room` that brings `agent` there when it makes the room."""
        return caller_token(self.livekit.api_key, self.livekit.api_secret, room, identity=identity, agent_name=agent)

    def api(self) -> api.LiveKitAPI:
        """The server's API; an async context manager."""
        return api.LiveKitAPI(self.livekit.url, self.livekit.api_key, self.livekit.api_secret)

    async def stored(self, room: str, deadline_s: float = STORED_WITHIN_S) -> Stored:
        """The transcript of `room`, once its manifest is final and its journal gone.

        Raises:
            TimeoutError: it is not, by the deadline.
        """

        async def look() -> Stored | None:
            return await asyncio.to_thread(self._stored, room)

        return await until(look, deadline_s, f"no transcript of {room} was stored")

    def _stored(self, room: str) -> Stored | None:
        found = list(self.transcripts.glob(f"*/*/*/{encode(room)}/*/manifest.json"))
        assert len(found) <= 1, f"more than one transcript of {room}"
        if not found:
            return None
        manifest = json.loads(found[0].read_text())
        directory = found[0].parent
        if manifest["state"] != "final" or any(self.journals.glob(f"{directory.name}/*.jsonl")):
            return None
        text = (directory / "transcript.json").read_text()
        return Stored(Transcript.model_validate_json(text), manifest, directory)

    async def room_gone(self, room: str, deadline_s: float = 15.0) -> None:
        """Waits until the server has closed `room`.

        Raises:
            TimeoutError: it has not, by the deadline.
        """
        async with self.api() as server:

            async def look() -> bool | None:
                listed = await server.room.list_rooms(api.ListRoomsRequest(names=[room]))
                return None if listed.rooms else True

            await until(look, deadline_s, f"the room {room} is still there")


async def until(look: Callable[[], Awaitable[T | None]], deadline_s: float, missed: str) -> T:
    """Looks again and again until there is something to see.

    Raises:
        TimeoutError: there is nothing by the deadline.
    """
    ends_at = time.monotonic() + deadline_s
    while (seen := await look()) is None:
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{missed} within {deadline_s:.0f} s")
        await asyncio.sleep(LOOKED_EVERY_S)
    return seen
