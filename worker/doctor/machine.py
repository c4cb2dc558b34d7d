"""Whether this machine lets the worker write and listen where it has to."""

import socket

from config import Settings
from worker.doctor.findings import Finding, failed, fine
from worker.doctor.room import ask_worker
from worker.errors import Refusal
from worker.machine import check_temporary_directory


async def check_port(settings: Settings) -> Finding:
    """Bind the health port for a moment, or see that it is a worker who holds it."""
    host, port = settings.fleet.health_host, settings.fleet.health_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if await ask_worker(settings) is not None:
                return fine("port", f"A worker serves its health on port {port}.")
            return failed(
                "port",
                f"Port {port} on {host} cannot be used for health ({error.strerror}).",
                "Stop what holds it, or set fleet.health_port.",
            )
    return fine("port", f"Port {port} is free for health.")


def check_temporary_files() -> Finding:
    """Write a temporary file."""
    try:
        check_temporary_directory()
    except Refusal as refusal:
        return failed("temporary files", str(refusal), "")
    return fine("temporary files", "Temporary files can be written.")
