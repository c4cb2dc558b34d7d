"""All checks, in the order in which their findings help."""

import asyncio
from collections.abc import Sequence

from config import Settings
from worker.doctor.findings import Finding
from worker.doctor.keys import check_keys
from worker.doctor.livekit import check_livekit
from worker.doctor.machine import check_port, check_temporary_files
from worker.doctor.services import check_llm, check_stt, check_tts
from worker.doctor.storage import check_journal_directory, check_storage


async def examine(settings: Settings) -> Sequence[Finding]:
    """Return the findings of every check; the services are asked at the same time."""
    livekit, stt, llm, tts, storage, journal = await asyncio.gather(
        check_livekit(settings),
        check_stt(settings),
        check_llm(settings),
        check_tts(settings),
        check_storage(settings),
        check_journal_directory(settings),
    )
    return [
        *check_keys(settings),
        livekit,
        stt,
        llm,
        tts,
        storage,
        journal,
        check_port(settings),
        check_temporary_files(),
    ]
