"""The LiveKit server whose rooms the worker joins."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from config.sections.base import Section
from config.values import LiveKitUrl, Secret


class LiveKitSettings(Section):
    """The LiveKit server whose rooms the worker joins."""

    url: LiveKitUrl | None = None
    """Address of the LiveKit server or LiveKit Cloud project, such as `wss://my-project.livekit.cloud`."""

    api_key: Secret | None = None
    """API key of that server or project."""

    api_secret: Secret | None = None
    """Secret that belongs to the API key. It signs tokens and never leaves the server side."""

    connect_attempts: Annotated[int, Field(ge=0, le=1000)] = 16
    """How often in a row the worker tries again to reach the server before it gives up and ends with status 69;
    the pauses between grow to 10 seconds, so that 16 take a little over two minutes."""

    project: Literal["unstated", "development", "staging", "production"] = "unstated"
    """What the project behind the address is for. The development profile refuses `production`, and a
    LiveKit Cloud project for which nothing is stated, so that trying things out meets no real callers."""

    @property
    def is_cloud(self) -> bool:
        """Whether the server is LiveKit's own service."""
        host = urlsplit(self.url or "").hostname or ""
        return host == "livekit.cloud" or host.endswith(".livekit.cloud")
