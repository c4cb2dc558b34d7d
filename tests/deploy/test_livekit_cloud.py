"""The file for LiveKit Cloud has the form that LiveKit's command line reads, and is no agent of anybody's."""

import re
import tomllib

from tests.deploy.documents import DEPLOY, PROJECT

EXAMPLE = tomllib.loads((DEPLOY / "livekit-cloud" / "livekit.toml").read_text())


def test_the_example_names_a_project_and_an_agent() -> None:
    """livekit-cli, `pkg/config/livekit.go`."""
    assert set(EXAMPLE) == {"project", "agent"}
    assert set(EXAMPLE["project"]) == {"subdomain"}
    assert set(EXAMPLE["agent"]) == {"id"}
    assert re.fullmatch(r"CA_my-\w+", EXAMPLE["agent"]["id"])


def test_none_is_in_the_checkout_where_it_would_keep_one_from_being_made() -> None:
    assert not (PROJECT / "livekit.toml").exists()
