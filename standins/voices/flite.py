"""The flite program: text to 16 kHz speech."""

import io
import shutil
import unicodedata
import wave

from standins.voices.program import ProgramError, run

PROGRAM = "flite"
SAMPLE_RATE = 16000

# What the OpenAI voice names sound like here; other names get the voice that recognisers read best.
VOICES = {"alloy": "slt", "nova": "slt", "shimmer": "slt", "coral": "slt", "fable": "awb"}
OTHERWISE = "rms"

_TYPOGRAPHY = str.maketrans({0x2018: "'", 0x2019: "'", 0x2013: ", ", 0x2014: ", ", 0x2026: "."})


def is_installed() -> bool:
    """Whether the flite program is on PATH."""
    return shutil.which(PROGRAM) is not None


def voice_for(name: str, installed: frozenset[str]) -> str:
    """The flite voice for an OpenAI voice name; flite's own names stand for themselves.

    Raises:
        ProgramError: If flite was built without that voice. It has to be noticed here: given a voice that
            it does not know, flite takes an 8 kHz voice instead and reports success.
    """
    voice = name if name in installed else VOICES.get(name, OTHERWISE)
    if voice not in installed:
        raise ProgramError(f"flite has no voice {voice!r}: install a build that lists it in `flite -lv`.")
    return voice


async def installed_voices() -> frozenset[str]:
    """The voices that `flite -lv` lists.

    Raises:
        ProgramError: If flite cannot be run.
    """
    listed = await run(PROGRAM, "-lv")
    return frozenset(listed.decode(errors="replace").partition(":")[2].split())


async def synthesize(text: str, voice: str) -> bytes:
    """Speaks a text.

    Args:
        text: What to say; accents and typographic signs are written in ASCII first, all that flite reads.
        voice: A name out of `installed_voices`.

    Returns:
        Signed 16-bit little-endian mono samples at 16 kHz.

    Raises:
        ProgramError: If flite fails, or answers at another rate than the voice has.
    """
    spoken = await run(PROGRAM, "-voice", voice, "-t", _ascii(text), "-o", "/dev/stdout")
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        if (rate, file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise ProgramError(f"flite answered {rate} Hz for the voice {voice!r}, not {SAMPLE_RATE}.")
        samples: bytes = file.readframes(file.getnframes())
        return samples


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY))
    return plain.encode("ascii", "ignore").decode()
