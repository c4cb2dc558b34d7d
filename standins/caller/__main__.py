"""`python -m standins caller`: one call, step by step, with an event in JSON on standard output for each.

The token comes from LIVEKIT_TOKEN or `--token-file`; without one it is signed with LIVEKIT_API_KEY and
LIVEKIT_API_SECRET, never given as an argument, which every user of the machine could read.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from standins.caller.caller import Caller
from standins.caller.ear import SAMPLE_RATE
from standins.caller.errors import CallerError
from standins.caller.script import SCRIPT, STEP, HangUp, Speak, Step, Vanish, perform
from standins.caller.token import caller_token, phone_attributes
from standins.process import add_end_argument, told_to_end
from standins.voices import Synthesizer, VoiceError
from standins.voices.synthesizer import ENGINES

STEPS_FROM_STDIN = "-"


class UsageError(ValueError):
    """The command line or the script makes no sense."""


def main(argv: list[str]) -> int:
    """Makes the call.

    Returns:
        0 when every step was done, 1 when the call went wrong, 2 for a wrong command line or script.
    """
    options = _parser().parse_args(argv)
    try:
        return asyncio.run(_until_told(options))
    except (UsageError, VoiceError) as error:
        _report({"event": "failed", "error": str(error)})
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="standins caller", description=__doc__)
    parser.add_argument("--url", required=True, help="the LiveKit server, ws://…")
    parser.add_argument("--room", help="needed to sign a token")
    parser.add_argument("--identity", default="caller", help="who joins, for a token that is signed here")
    parser.add_argument("--agent-name", help="the agent to dispatch, for a token that is signed here")
    parser.add_argument("--phone", metavar="NUMBER", help="calls from a telephone with this number; signs the token")
    parser.add_argument("--token-file", type=Path, help="holds the token, if LIVEKIT_TOKEN does not")
    parser.add_argument("--script", required=True, help="a file with a JSON list of steps; - reads a step a line")
    parser.add_argument("--voice", default="slt")
    parser.add_argument("--voice-engine", choices=ENGINES, help="default: flite if installed, else espeak")
    parser.add_argument("--audio-directory", type=Path, help="keeps what was heard of each answer, as WAV files")
    add_end_argument(parser)
    return parser


async def _until_told(options: argparse.Namespace) -> int:
    """Makes the call; a signal, or the end of standard input if asked for, hangs up."""
    call = asyncio.create_task(_call(options))
    # Where standard input brings the steps, its end is the end of the script.
    ends_with_stdin = options.exit_on_stdin_eof and options.script != STEPS_FROM_STDIN
    told = asyncio.create_task(told_to_end(exit_on_stdin_eof=ends_with_stdin))
    try:
        await asyncio.wait((call, told), return_when=asyncio.FIRST_COMPLETED)
    finally:
        call.cancel()
        told.cancel()
        await asyncio.gather(call, told, return_exceptions=True)
    return 0 if call.cancelled() else call.result()


async def _call(options: argparse.Namespace) -> int:
    if options.script == STEPS_FROM_STDIN:
        steps = _lines()
    else:
        steps = _each(await asyncio.to_thread(_script, Path(options.script)))
    token = _token(options)
    caller = Caller(voice=options.voice, synthesizer=Synthesizer(options.voice_engine), on_phone=bool(options.phone))
    async with caller:
        try:
            await caller.join(options.url, token)
        except CallerError as error:
            _report({"event": "failed", "error": str(error)})
            return 1
        _report({"event": "joined", "room": caller.room.name})
        try:
            return await _follow(caller, steps, options)
        finally:
            await caller.hang_up()
            _report({"event": "left"})


async def _follow(caller: Caller, steps: AsyncIterator[Step], options: argparse.Namespace) -> int:
    """Does the steps until the end of the script or `hang_up`; a script in a file ends at a failed step."""
    status = answers = 0
    async for step in steps:
        if isinstance(step, HangUp):
            break
        if isinstance(step, Vanish):
            _report({"event": "vanished"})
            os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(step, Speak):
            _report({"event": "speaking", "text": step.text})
        try:
            event, audio = await perform(caller, step)
        except CallerError as error:
            status = 1
            _report({"event": "failed", "step": step.do, "error": str(error)})
            if options.script != STEPS_FROM_STDIN:
                break
            continue
        if audio and options.audio_directory is not None:
            answers += 1
            event["audio"] = str(_keep(options.audio_directory, answers, audio))
        _report(event)
    return status


def _script(path: Path) -> list[Step]:
    """The steps of a file.

    Raises:
        UsageError: If it cannot be read, or a step is not one.
    """
    try:
        return SCRIPT.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The script {path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        raise _nonsense(error) from None


async def _each(steps: list[Step]) -> AsyncIterator[Step]:
    for step in steps:
        yield step


async def _lines() -> AsyncIterator[Step]:
    """The steps of standard input, as they come.

    Raises:
        UsageError: If a line is not a step.
    """
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        try:
            yield STEP.validate_json(line)
        except ValidationError as error:
            raise _nonsense(error) from None


def _nonsense(error: ValidationError) -> UsageError:
    wrong = error.errors()[0]
    where = ".".join(map(str, wrong["loc"])) or "script"
    return UsageError(f"The script has a step that makes no sense: {where}: {wrong['msg']}.")


def _token(options: argparse.Namespace) -> str:
    if token := os.environ.get("LIVEKIT_TOKEN"):
        return token
    if options.token_file is not None:
        try:
            return str(options.token_file.read_text()).strip()
        except OSError as error:
            raise UsageError(f"The token file cannot be read: {error.strerror}.") from None
    key, secret = os.environ.get("LIVEKIT_API_KEY"), os.environ.get("LIVEKIT_API_SECRET")
    if not (key and secret and options.room):
        raise UsageError("There is no token: set LIVEKIT_TOKEN, or LIVEKIT_API_KEY and LIVEKIT_API_SECRET with --room.")
    phone = phone_attributes(options.phone) if options.phone else None
    return caller_token(
        key, secret, options.room, identity=options.identity, agent_name=options.agent_name, phone=phone
    )


def _keep(directory: Path, number: int, audio: bytes) -> Path:
    path = directory / f"heard-{number:03}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(audio)
    return path


def _report(event: dict[str, Any]) -> None:
    """One event on standard output, with the moment in milliseconds of Unix time."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({**event, "at_ms": round(time.time() * 1000)}, ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
