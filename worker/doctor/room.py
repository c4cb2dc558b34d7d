"""A throw-away room: whether audio gets through, whether an agent comes, and if not, which rule keeps it away."""

import asyncio
import os
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
from livekit import api, rtc

from config import Settings
from config.proxies import is_loopback
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable, warning
from worker.errors import Refusal
from worker.invitation import invite
from worker.livekit_api import dispatch, livekit_api
from worker.session.room_proxy import keep_room_direct

CONNECT_SECONDS = 10.0
"""How long joining may take."""

RELAY_SECONDS = 6.0
"""The same through a relay, where there may be none."""

AGENT_SECONDS = 8.0
"""How long an agent may take to come; with a process ready it takes one."""

EMPTY_SECONDS = 10
"""After which the server removes the room by itself, should this process end first."""


async def check_room(settings: Settings) -> list[Finding]:
    """Make a room, join it, wait for the agent, remove it."""
    livekit = settings.livekit
    if not (livekit.url and livekit.api_key and livekit.api_secret):
        return [skipped("room", "Not checked: LiveKit's address or keys are not set.")]
    name = f"doctor-{uuid4().hex[:12]}"
    keep_room_direct(os.environ, livekit.url)
    room = rtc.Room()
    try:
        async with livekit_api(settings) as client:
            made = await client.room.create_room(api.CreateRoomRequest(name=name, empty_timeout=EMPTY_SECONDS))
        began = time.monotonic()
        if settings.agent.dispatch == "named":
            await dispatch(settings, name)
        media = [await _join(settings, room, name), *_rejoin(settings, made.departure_timeout)]
        if media[0].check == "media":
            agent = await _agent(settings, room, name, began)
            return [*media, await _relay(settings, name), agent]
        return media
    except Refusal as refusal:
        return [unreachable("room", str(refusal), "")]
    finally:
        await room.disconnect()
        await _remove(settings, name)


def _rejoin(settings: Settings, departure_seconds: int) -> list[Finding]:
    """Return a warning where callers are promised to be waited for longer than the server keeps a room for them.

    Args:
        settings: `fleet.rejoin_grace`.
        departure_seconds: how long the server keeps a room that it made without being told; 0: it does not say.
    """
    grace = settings.fleet.rejoin_grace
    if not 0 < departure_seconds < grace:
        return []
    return [
        warning(
            "rejoin",
            f"Who comes back within fleet.rejoin_grace ({grace:g} s) may find the room closed: the LiveKit server "
            f"closes it after {departure_seconds} s.",
            "Raise room.departure_timeout there, or lower fleet.rejoin_grace to it.",
        )
    ]


async def _join(settings: Settings, room: rtc.Room, name: str) -> Finding:
    url = settings.livekit.url or ""
    token = invite(settings, name, "doctor").token
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
            source = rtc.AudioSource(48_000, 1)
            track = rtc.LocalAudioTrack.create_audio_track("doctor", source)
            await room.local_participant.publish_track(track)
            way = await _way(room)
    except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError):
        return unreachable(
            "room",
            "A room can be made, and not be joined: audio does not get through.",
            "Open UDP 50000-60000 and TCP 7881 from here to the LiveKit server (its rtc.port_range and rtc.tcp_port), "
            "and check rtc.node_ip or use_external_ip there.",
        )
    if way == "udp":
        return fine("media", "Audio gets through to the LiveKit server over UDP.")
    return warning(
        "media",
        f"Audio gets through to the LiveKit server over {way.upper()} only: speech halts when a packet is lost.",
        "Open UDP to the LiveKit server's rtc.port_range.",
    )


async def _way(room: rtc.Room) -> str:
    """Return the transport protocol of the connection that carries audio, lower case."""
    while True:
        stats = await room.get_rtc_stats()
        every = [*stats.publisher_stats, *stats.subscriber_stats]
        local = {each.local_candidate.rtc.id: each.local_candidate.candidate for each in every
                 if each.HasField("local_candidate")}  # fmt: skip
        for each in every:
            if each.HasField("candidate_pair") and each.candidate_pair.candidate_pair.nominated:
                found = local.get(each.candidate_pair.candidate_pair.local_candidate_id)
                if found is not None and found.protocol:
                    return found.protocol.lower()
        await asyncio.sleep(0.1)


async def _relay(settings: Settings, name: str) -> Finding:
    """Join once more through a relay, as callers behind strict firewalls have to."""
    url = settings.livekit.url or ""
    if is_loopback(urlsplit(url).hostname or ""):
        return skipped("turn", "Not checked: a server on this machine needs no relay.")
    room = rtc.Room()
    options = rtc.RoomOptions(
        auto_subscribe=False,
        rtc_config=rtc.RtcConfiguration(ice_transport_type=rtc.IceTransportType.TRANSPORT_RELAY),
    )
    try:
        async with asyncio.timeout(RELAY_SECONDS):
            await room.connect(url, invite(settings, name, "doctor-relay").token, options)
    except (rtc.ConnectError, TimeoutError):
        return warning(
            "turn",
            "There is no relay: callers behind firewalls that let only HTTPS through cannot speak.",
            "Switch TURN on in the LiveKit server (turn.enabled, turn.tls_port 443); LiveKit Cloud has it.",
        )
    finally:
        await room.disconnect()
    return fine("turn", "Callers behind strict firewalls get through over a relay.")


async def _agent(settings: Settings, room: rtc.Room, name: str, began: float) -> Finding:
    came = asyncio.Event()

    def look(*_: object) -> None:
        if any(each.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT for each in room.remote_participants.values()):
            came.set()

    room.on("participant_connected", look)
    look()
    try:
        async with asyncio.timeout(AGENT_SECONDS):
            await came.wait()
    except TimeoutError:
        return await _why_nobody_came(settings, name)
    took = time.monotonic() - began
    return fine("room", f"An agent came into a room of its own after {took:.1f} s; it cost that much recognition.")


async def _why_nobody_came(settings: Settings, name: str) -> Finding:
    agent = settings.agent
    worker = await ask_worker(settings)
    if worker is None:
        return warning(
            "room",
            "No agent came into a room, and no worker answers on this machine.",
            "Start it (verbatim start), and look again; a worker elsewhere shows in its own log why it did not come.",
        )
    if (named := worker.get("agent")) != agent.name:
        return failed(
            "room",
            f"No agent came: the worker here is called {named}, and {agent.name} was asked for.",
            "Give both the same agent.name.",
        )
    if reasons := worker.get("reasons"):
        return failed("room", f"No agent came: the worker here says: {'; '.join(reasons)}.", "See its log.")
    if crowded := worker.get("crowded"):
        return failed(
            "room",
            f"No agent came: the worker here takes no more calls now: {crowded}.",
            "Wait, raise that limit, or start another worker.",
        )
    if agent.dispatch == "named" and await _dispatches(settings, name) == 0:
        return failed("room", "No agent came: the dispatch was lost.", "See the LiveKit server's log.")
    how = f"by the name {agent.name}" if agent.dispatch == "named" else "to every room"
    return failed(
        "room",
        f"No agent came, though the worker here is ready and answers {how}.",
        "Look whether it serves the same LiveKit server and project, whether agent.dispatch is the same here and "
        "there, and whether the server's agents.target_load is at least 0.7.",
    )


async def _dispatches(settings: Settings, name: str) -> int:
    async with livekit_api(settings) as client:
        return len(await client.agent_dispatch.list_dispatch(name))


async def ask_worker(settings: Settings) -> dict[str, Any] | None:
    """Return what a worker on this machine says of itself on its health port, or None where none answers."""
    host = settings.fleet.health_host
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.fleet.health_port}"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http:
            told: dict[str, Any] = {}
            for path in ("worker", "readyz"):
                async with http.get(f"{base}/{path}") as answer:
                    told |= await answer.json(content_type=None)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError):
        return None
    return told if "agent" in told else None


async def _remove(settings: Settings, name: str) -> None:
    try:
        async with livekit_api(settings) as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=name))
    except Refusal:
        return  # the server removes it by itself when it has been empty for a while
