"""A collector, and a session in memory."""

from tests.session.conftest import job, local_vad, recorder, stage
from tests.tracing.collector import collector

__all__ = ["collector", "job", "local_vad", "recorder", "stage"]
