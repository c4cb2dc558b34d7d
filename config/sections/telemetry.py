"""What the worker writes about itself."""

from typing import Literal

from config.sections.base import Section


class TelemetrySettings(Section):
    """What the worker writes about itself. What was said in a call is never part of it."""

    log_format: Literal["json", "readable"] = "json"
    """Form of log lines: `json` for machines, `readable` for people."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important kind of log line that is written."""
