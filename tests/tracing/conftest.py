"""A session in memory."""

from tests.session.conftest import job, local_vad, recorder, stage

__all__ = ["job", "local_vad", "recorder", "stage"]
