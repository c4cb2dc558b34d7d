"""Tokens let one person into one room for 15 minutes, and send the agent there."""

from typing import Any

import pytest
from livekit import api
from livekit.api import access_token

from config import Settings
from worker import errand
from worker.errors import Misused
from worker.invitation import Invitation, invite

SECRET = "secret-of-livekit-with-32-characters"


def settings(**agent: Any) -> Settings:
    livekit = {"url": "wss://calls.example.org", "api_key": "key", "api_secret": SECRET}
    return Settings.model_validate({"livekit": livekit, "agent": agent})


def claims(invitation: Invitation) -> access_token.Claims:
    return api.TokenVerifier("key", SECRET).verify(invitation.token)


def test_the_token_is_for_one_room_and_one_person() -> None:
    invitation = invite(settings(), "kitchen", "ada")
    found = claims(invitation)
    assert found.identity == "ada"
    assert found.video is not None
    assert (found.video.room_join, found.video.room) == (True, "kitchen")
    assert (invitation.server_url, invitation.room, invitation.identity) == (
        "wss://calls.example.org", "kitchen", "ada",
    )  # fmt: skip


@pytest.mark.parametrize(
    "right", ["room_admin", "room_create", "room_list", "room_record", "ingress_admin", "agent", "hidden", "recorder"]
)
def test_the_token_gives_no_other_right(right: str) -> None:
    video = claims(invite(settings(), "kitchen")).video
    assert not getattr(video, right)


def test_the_token_runs_out_after_15_minutes() -> None:
    import jwt

    invitation = invite(settings(), "kitchen")
    found = jwt.decode(invitation.token, SECRET, algorithms=["HS256"], options={"verify_aud": False})
    assert found["exp"] - found["nbf"] == 15 * 60 == invitation.expires_in_seconds


def test_the_token_sends_the_named_agent_to_the_room() -> None:
    found = claims(invite(settings(name="reception"), "kitchen"))
    assert found.room_config is not None
    assert [agent.agent_name for agent in found.room_config.agents] == ["reception"]


def test_the_worker_is_told_who_calls_before_the_server_lists_the_caller() -> None:
    found = claims(invite(settings(), "kitchen", "ada"))
    assert found.room_config is not None
    assert errand.read(found.room_config.agents[0].metadata).identity == "ada"


def test_where_the_agent_joins_every_room_it_is_not_sent_twice() -> None:
    found = claims(invite(settings(dispatch="every_room"), "kitchen"))
    assert found.room_config is None or not found.room_config.agents


def test_without_a_name_everyone_gets_another_one() -> None:
    names = {invite(settings(), "kitchen").identity for _ in range(20)}
    assert len(names) == 20


def test_the_secret_is_not_in_the_invitation() -> None:
    assert SECRET not in repr(invite(settings(), "kitchen"))


@pytest.mark.parametrize("name", ["", "   ", "x" * 257, "ä" * 129])
def test_a_room_s_name_that_livekit_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(Misused, match="--room must be 1 to 256 bytes long"):
        invite(settings(), name)


@pytest.mark.parametrize("name", ["   ", "x" * 257])
def test_an_identity_that_livekit_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(Misused, match="--identity must be"):
        invite(settings(), "kitchen", name)


@pytest.mark.parametrize("name", ["x" * 256, "ä" * 128, "a room/with: everything%?#", "日本"])
def test_every_other_name_is_taken_as_it_is(name: str) -> None:
    video = claims(invite(settings(), name)).video
    assert video is not None and video.room == name
