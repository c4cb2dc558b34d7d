"""The demo's call: a caller with a synthesised voice, at least five turns and one barge-in."""

import json
import sys
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

from worker.demo.processes import child
from worker.demo.stage import Stage
from worker.errors import Failed
from worker.invitation import Invitation, invite

SCRIPT: list[dict[str, Any]] = [
    {"do": "wait_for_agent"},
    {"do": "listen"},
    {"do": "speak", "text": "Do you sell gift cards?"},
    {"do": "listen"},
    {"do": "speak", "text": "Tell me about your company."},
    {"do": "barge_in", "text": "Wait, I have another question.", "after_ms": 3000},
    {"do": "listen"},
    {"do": "speak", "text": "I forgot my password."},
    {"do": "listen"},
    {"do": "speak", "text": "That is all for today."},
    {"do": "listen"},
    {"do": "hang_up"},
]

CALLER = "caller"


def invitation_for_demo(stage: Stage) -> Invitation:
    """Return the way into a new room."""
    return invite(stage.loaded.settings, f"demo-{uuid4().hex[:6]}", CALLER)


async def hold_conversation(stage: Stage, invitation: Invitation) -> AsyncGenerator[dict[str, Any], None]:
    """Let the caller join and speak; yield its events as they happen.

    Raises:
        Failed: the call did not go as its script says.
    """
    script = stage.logs / "script.json"
    script.write_text(json.dumps(SCRIPT), encoding="utf-8")
    arguments = ["--url", invitation.server_url, "--script", str(script), "--exit-on-stdin-eof"]
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
