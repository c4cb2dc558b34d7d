"""The environment of this process and its children, set before the SDK is imported."""

import os
from pathlib import Path

from config import Loaded
from config.proxies import without_loopback

SDK_SWITCHES = {
    # Models that this worker never asks for would cost every process 250 MB (livekit-agents, ipc/_preload.py).
    "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    # Prompts and what people said stay out of traces (livekit-agents, telemetry).
    "LIVEKIT_TELEMETRY_ALLOW_PII": "0",
    # The runtime of the voice activity detection reports to its vendor unless told not to (onnxruntime).
    "ORT_DISABLE_TELEMETRY": "1",
}


JOBS_NUMBERS = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client while it is imported, and by the SDK when it begins."""


def publish(loaded: Loaded) -> None:
    """Make this process and its children see the effective settings, and reach this machine without a proxy.

    Call it before anything imports livekit: some of its parts read their variables while they are imported.
    """
    os.environ.update(loaded.environment())
    os.environ.update(without_loopback(os.environ))
    os.environ.update(SDK_SWITCHES)
    # With this the worker itself would count as a job does, into files that the SDK deletes when it begins.
    os.environ.pop(JOBS_NUMBERS, None)


def let_jobs_count_in(directory: Path) -> None:
    """Make the processes that are started from now on keep their metrics in files of `directory`, which must exist."""
    os.environ[JOBS_NUMBERS] = str(directory)
