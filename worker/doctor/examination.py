"""All checks, in the order in which their findings help."""

import asyncio
from collections.abc import Sequence

from config import Settings
from worker.doctor.capacity import capacity, check_memory, check_open_files, check_processors
from worker.doctor.clock import check_clock
from worker.doctor.findings import Finding, Verdict, skipped
from worker.doctor.keys import check_keys
from worker.doctor.livekit import check_livekit
from worker.doctor.machine import check_port, check_temporary_files
from worker.doctor.names import check_names
from worker.doctor.recogniser import check_stt
from worker.doctor.room import check_room
from worker.doctor.round_trips import check_answer, check_voice
from worker.doctor.services import check_llm, check_tts
from worker.doctor.storage import check_journal_directory, check_storage


async def examine(settings: Settings, *, quick: bool = False) -> Sequence[Finding]:
    """Return the findings of every check; the services are asked at the same time.

    Args:
        settings: Valid settings.
        quick: Leave out what makes a room, or costs tokens or characters.
    """
    names, clock, livekit, stt, llm, tts, storage, journal, port = await asyncio.gather(
        check_names(settings),
        check_clock(settings),
        check_livekit(settings),
        check_stt(settings),
        check_llm(settings),
        check_tts(settings),
        check_storage(settings),
        check_journal_directory(settings),
        check_port(settings),
    )
    tried: list[Finding] = []
    if not quick:
        # After the others, so that the times are those of a caller who is alone.
        tried.append(await check_answer(settings) if _answers(llm) else _later("llm answer", "the language model"))
        tried.append(await check_voice(settings) if _answers(tts) else _later("tts voice", "the voice"))
        if livekit.verdict is Verdict.FINE:
            tried += await check_room(settings)
        else:
            tried.append(_later("room", "the LiveKit server"))
    room_for = capacity(settings)
    return [
        *check_keys(settings),
        names,
        clock,
        livekit,
        stt,
        llm,
        tts,
        *tried,
        storage,
        journal,
        port,
        check_temporary_files(),
        check_processors(room_for),
        check_memory(room_for),
        check_open_files(room_for),
    ]


def _answers(service: Finding) -> bool:
    return service.verdict is not Verdict.UNREACHABLE


def _later(check: str, subject: str) -> Finding:
    return skipped(check, f"Not checked: {subject} has to answer first.")
