"""What every line says that a call's process logs: which call it belongs to."""

from livekit.protocol.agent import Job

from worker import errand


def call_fields(job: Job, agent: str) -> dict[str, str | int]:
    """Return the fields. `job` still has its metadata as the dispatch gave it."""
    return {
        "transcript": f"{job.room.sid}-{agent}",
        "part": errand.read(job.metadata).part,
        "room": job.room.name,
        "room_id": job.room.sid,
        "job_id": job.id,
    }
