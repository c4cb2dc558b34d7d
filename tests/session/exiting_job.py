"""Jobs whose code ends the process, in various places. Their metadata says where, and in which directory they tell."""

import asyncio
import json
import sys
from pathlib import Path

from livekit.agents import JobContext, JobProcess

from worker.session.closing.last_resort import stand_by


def set_up(process: JobProcess) -> None: ...


async def entry(context: JobContext) -> None:
    job = json.loads(context.job.metadata)
    directory, where = Path(job["directory"]), job["where"]

    def tell(what: str) -> None:
        (directory / where).write_text(what)

    async def finish(how: str) -> None:
        await asyncio.to_thread(tell, how)

    context.proc.userdata["last resort"] = await stand_by(finish)
    context.proc.userdata["tell"] = tell
    if where == "the entry":
        sys.exit(3)
    if where == "a task":
        context.proc.userdata["task"] = asyncio.create_task(_exit())
    elif where == "a callback":
        asyncio.get_running_loop().call_soon(sys.exit)
    elif where == "a thread":
        context.proc.userdata["task"] = asyncio.create_task(asyncio.to_thread(sys.exit))
    else:
        context.shutdown()


async def _exit() -> None:
    await asyncio.sleep(0)
    sys.exit()


async def session_ended(context: JobContext) -> None:
    context.proc.userdata["tell"]("orderly")
