"""What of a caller is written down."""

from typing import Literal

from config.sections.base import Section


class PrivacySettings(Section):
    """What of a caller is written down."""

    phone_numbers: Literal["keep", "mask", "drop"] = "mask"
    """What becomes of the phone numbers of callers in journals and transcripts, also where LiveKit makes them part of
    a participant's name: `keep`, as they are; `mask`, the last two digits; `drop`, nothing. What callers say is not
    changed by it."""
