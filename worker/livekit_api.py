"""The LiveKit server's API, with its failures as sentences."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from config import Settings
from config.proxies import proxy_for
from worker.errors import Failed, Misconfigured, Unreachable

SECONDS = 10.0
"""How long all that is asked of one client may take."""


@asynccontextmanager
async def livekit_api(settings: Settings, seconds: float | None = None) -> AsyncIterator[api.LiveKitAPI]:
    """Yield a client of the server in the settings, which must name one with its key and secret.

    Args:
        settings: where the server is.
        seconds: how long all that is asked of the client may take; `SECONDS` unless given.

    Raises:
        Misconfigured: the server refused the key and secret.
        Failed: the server answered with another error.
        Unreachable: the server did not answer, or with a status that says it is down (5xx).
    """
    livekit = settings.livekit
    assert livekit.url is not None and livekit.api_key is not None and livekit.api_secret is not None
    seconds = SECONDS if seconds is None else seconds
    async with aiohttp.ClientSession(proxy=proxy_for(livekit.url)) as http:
        client = api.LiveKitAPI(
            livekit.url,
            livekit.api_key.get_secret_value(),
            livekit.api_secret.get_secret_value(),
            session=http,
        )
        try:
            # The client's requests carry a timeout of their own, "none", which overrides the session's.
            async with asyncio.timeout(seconds):
                yield client
        except api.TwirpError as error:
            if error.status in (401, 403):
                raise Misconfigured(
                    f"The LiveKit server at {livekit.url} refused the key and secret; check LIVEKIT_API_KEY "
                    "and LIVEKIT_API_SECRET against the server's configuration or the project's settings, "
                    "and this machine's clock."
                ) from None
            if error.status >= 500:
                raise Unreachable(
                    f"The LiveKit server at {livekit.url} is not available (status {error.status}); "
                    "see its log, or the status page of your provider."
                ) from None
            raise Failed(
                f"The LiveKit server at {livekit.url} answered with an error (status {error.status}); "
                "see the server's log."
            ) from None
        except DecodeError:
            raise Failed(f"What answers at {livekit.url} is no LiveKit server; check LIVEKIT_URL.") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(
                f"The LiveKit server at {livekit.url} cannot be reached ({_reason(error, seconds)}); "
                "check LIVEKIT_URL, the network, and whether the server runs."
            ) from None


async def check_credentials(settings: Settings) -> None:
    """Ask the server for its rooms, which needs a valid key and secret.

    Raises:
        Refusal: as `livekit_api`.
    """
    async with livekit_api(settings) as client:
        await client.room.list_rooms(api.ListRoomsRequest())


async def dispatch(settings: Settings, room: str) -> str:
    """Send the agent to `room`, which is made if need be; return the dispatch's id.

    Raises:
        Refusal: as `livekit_api`.
    """
    async with livekit_api(settings) as client:
        created = await client.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=settings.agent.name, room=room)
        )
        return str(created.id)


def _reason(error: BaseException, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {seconds:.0f} s"
    return getattr(error, "strerror", None) or type(error).__name__
