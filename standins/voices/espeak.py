"""espeak-ng out of the `espeakng-loader` wheel: text to 22.05 kHz speech, without a system package."""

import importlib.util
import sys

from standins.voices import espeak_program
from standins.voices.program import run

SAMPLE_RATE = espeak_program.SAMPLE_RATE


def is_installed() -> bool:
    """Whether the `espeakng-loader` wheel is there."""
    return importlib.util.find_spec("espeakng_loader") is not None


async def synthesize(text: str) -> bytes:
    """Speaks a text with the one voice of espeak-ng that recognisers read.

    Returns:
        Signed 16-bit little-endian mono samples at 22.05 kHz.

    Raises:
        ProgramError: If the wheel is damaged or the library refuses the text.
    """
    # The file, not the module: importing this package would load numpy for every sentence.
    return await run(sys.executable, "-I", espeak_program.__file__, text=text)
