"""A worker in a container of its own hears and is heard, whatever address callers are told to send their audio to."""

import subprocess
from collections.abc import Iterator

import pytest
from livekit import api, rtc

from bootstrap import livekit_server
from tests.deploy.documents import DEPLOY, KEYS, PROJECT
from tests.deploy.test_compose import SERVICES, listening, running

NAMESPACE, OUTSIDE, INSIDE = "verbatim-test", "verbatim-out", "verbatim-in"
HERE, THERE = "10.231.77.1", "10.231.77.2"
"""The addresses of worker and server on the network between them."""

pytestmark = [pytest.mark.slow, pytest.mark.needs("linux", "root", "network namespaces", "livekit-server")]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


@pytest.fixture
def network() -> Iterator[None]:
    """A machine beside this one, as a container is: its own loopback, and one network to this one."""
    ip("netns", "add", NAMESPACE)
    try:
        ip("link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE, "netns", NAMESPACE)
        ip("address", "add", f"{HERE}/30", "dev", OUTSIDE)
        ip("link", "set", OUTSIDE, "up")
        ip("-n", NAMESPACE, "address", "add", f"{THERE}/30", "dev", INSIDE)
        ip("-n", NAMESPACE, "link", "set", INSIDE, "up")
        ip("-n", NAMESPACE, "link", "set", "lo", "up")
        yield
    finally:
        ip("netns", "delete", NAMESPACE)


async def test_audio_flows_while_callers_are_told_an_address_that_the_worker_cannot_reach(network: None) -> None:
    program = livekit_server.find(PROJECT)
    server = ["ip", "netns", "exec", NAMESPACE, str(program), "--config", str(DEPLOY / "compose" / "livekit.yaml")]
    variables = {name: text for name, text in SERVICES["livekit"]["environment"].items() if name != "REDIS_HOST"}
    assert variables["NODE_IP"] == "127.0.0.1"
    grants = api.VideoGrants(room_join=True, room="network")
    token = api.AccessToken(KEYS["LIVEKIT_API_KEY"], KEYS["LIVEKIT_API_SECRET"]).with_grants(grants)
    room = rtc.Room()
    with running(server, variables):
        await listening(7880, THERE)
        await room.connect(f"ws://{THERE}:7880", token.with_identity("worker").to_jwt())
        try:
            source = rtc.AudioSource(48_000, 1)
            await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("voice", source))
            for _ in range(50):
                await source.capture_frame(rtc.AudioFrame.create(48_000, 1, 480))
            sent = [
                each.candidate_pair.candidate_pair.packets_sent
                for each in (await room.get_rtc_stats()).publisher_stats
                if each.WhichOneof("stats") == "candidate_pair"
            ]
            assert max(sent) > 0
        finally:
            await room.disconnect()
