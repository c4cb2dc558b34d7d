"""The caller's token opens one room for a short time."""

import pytest
from livekit import api

from standins.caller import caller_token
from standins.caller.loopback import is_loopback

SECRET = "s" * 40


def test_a_token_opens_one_room_and_brings_the_agent() -> None:
    claims = api.TokenVerifier("key", SECRET).verify(
        caller_token("key", SECRET, "lobby", identity="anna", agent_name="verbatim")
    )
    assert (claims.identity, claims.video and claims.video.room) == ("anna", "lobby")
    assert claims.room_config is not None
    assert [agent.agent_name for agent in claims.room_config.agents] == ["verbatim"]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:7880", "ws://localhost:7880", "ws://[::1]:7880"])
def test_loopback_addresses_are_known(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["wss://example.livekit.cloud", "ws://10.0.0.1:7880"])
def test_other_addresses_keep_their_proxy(url: str) -> None:
    assert not is_loopback(url)
