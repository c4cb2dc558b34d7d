"""Whether the LiveKit server answers, and takes the key and secret."""

import time

from config import Settings
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable
from worker.errors import Refusal, Unreachable
from worker.livekit_api import check_credentials


async def check_livekit(settings: Settings) -> Finding:
    """Ask the server for its rooms."""
    livekit = settings.livekit
    if not (livekit.url and livekit.api_key and livekit.api_secret):
        return skipped("livekit", "Not checked: its address or keys are not set.")
    began = time.monotonic()
    try:
        await check_credentials(settings)
    except Unreachable as refusal:
        return unreachable("livekit", str(refusal), "")
    except Refusal as refusal:
        return failed("livekit", str(refusal), "")
    took = round(1000 * (time.monotonic() - began))
    return fine("livekit", f"{livekit.url} takes the key and secret ({took} ms).")
