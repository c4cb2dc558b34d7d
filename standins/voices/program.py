"""Runs a speech program to its end: one short-lived process per text, so that no state is carried along."""

import asyncio

DEADLINE_S = 30.0


class ProgramError(RuntimeError):
    """A speech program is missing, failed, hung, or does not have the voice."""


async def run(program: str, *arguments: str, text: str = "") -> bytes:
    """Runs a program with a text on its standard input.

    Returns:
        What it wrote to standard output.

    Raises:
        ProgramError: If it cannot be started, fails, or takes longer than the deadline.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(program, *arguments, stdin=pipe, stdout=pipe)
    except OSError as error:
        raise ProgramError(f"{program} cannot be run: {error.strerror}.") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(text.encode()), DEADLINE_S)
    except TimeoutError:
        raise ProgramError(f"{program} gave no speech within {DEADLINE_S:.0f} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ProgramError(f"{program} ended with status {process.returncode}.")
    return output
