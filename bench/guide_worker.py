"""The worker that AssemblyAI's guide to LiveKit leads to, with the transcript written when the call is over.

It writes the session's history in a shutdown callback, as LiveKit's documentation shows. Two lines are kinder than
the guide: the job ends when the session closes, not only when the server has closed the room; and the worker never
reports any load, for on a machine that is busy it would not be offered the call.
"""

import asyncio
import json
import logging
import os
from pathlib import Path

from livekit.agents import Agent, AgentServer, AgentSession, CloseEvent, JobContext, JobProcess
from livekit.plugins import assemblyai, openai, silero


def set_up(process: JobProcess) -> None:
    """Load what is slow to load."""
    process.userdata["vad"] = silero.VAD.load()


async def entry(context: JobContext) -> None:
    """Hold one call, and write its history at the end."""
    session: AgentSession[None] = AgentSession(
        stt=assemblyai.STT(base_url=os.environ["GUIDE_STT_URL"]),
        llm=openai.LLM(model="gpt-4o-mini"),
        tts=openai.TTS(response_format="pcm"),
        vad=context.proc.userdata["vad"],
        turn_handling={"turn_detection": "stt"},
    )

    async def write_transcript() -> None:
        written = Path(os.environ["GUIDE_TRANSCRIPTS"]) / f"{context.room.name}.json"
        beside = written.with_suffix(".part")
        beside.write_text(json.dumps(session.history.to_dict(exclude_timestamp=False)))
        beside.rename(written)

    def end_job(_: CloseEvent) -> None:
        context.shutdown()

    context.add_shutdown_callback(write_transcript)
    session.on("close", end_job)
    await session.start(agent=Agent(instructions="You are a helpful voice assistant."), room=context.room)


def main() -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO)
    server = AgentServer(
        setup_fnc=set_up,
        host="127.0.0.1",
        port=0,
        load_fnc=lambda: 0.0,
        load_threshold=float("inf"),
        num_idle_processes=1,
    )
    server.rtc_session(entry, agent_name="guide")
    server.on("worker_registered", lambda *_: print("ready", flush=True))
    asyncio.run(server.run())


if __name__ == "__main__":
    main()
