"""The demo's call: a caller with a synthesised voice."""

import json
import sys
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

from worker.demo.processes import child
from worker.demo.scripts import Script
from worker.demo.stage import Stage
from worker.errors import Failed
from worker.invitation import Invitation, invite

CALLER = "caller"


def invitation_for_demo(stage: Stage) -> Invitation:
    """Return the way into a new room."""
    return invite(stage.loaded.settings, f"demo-{uuid4().hex[:6]}", CALLER)


async def hold_conversation(
    stage: Stage, invitation: Invitation, script: Script
) -> AsyncGenerator[dict[str, Any], None]:
    """Let the caller join and follow its script; yield its events as they happen.

    Raises:
        Failed: the call did not go as its script says.
    """
    steps = stage.logs / "script.json"
    steps.write_text(json.dumps(script.steps), encoding="utf-8")
    arguments = ["--url", invitation.server_url, "--script", str(steps), "--exit-on-stdin-eof"]
    async with child(
        "the caller",
        [sys.executable, "-m", "standins", "caller", *arguments],
        log=stage.logs / "caller.log",
        environment=stage.environment | {"LIVEKIT_TOKEN": invitation.token},
    ) as caller:
        async for event in caller.lines():
            if event.get("event") == "failed":
                raise Failed(f"The call broke off: {event.get('error')} The logs are in {stage.logs}.")
            yield event
        if await caller.ended() != 0:
            raise caller.failure("ended before the call was over")
