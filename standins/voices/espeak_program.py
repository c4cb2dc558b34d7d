"""A program that speaks its standard input with espeak-ng: raw samples on standard output.

It runs apart from the stand-ins because the library carries its state from one text to the next: only a
fresh process says the same text the same way each time. Constants and signatures: espeak-ng, `speak_lib.h`.
"""

import ctypes
import sys
from typing import Any

SAMPLE_RATE = 22050  # what espeak_Initialize answers for its own voices, in Hz
VOICE = b"en-us+edward"  # of all its voices the only one that a small recogniser reads well
WORDS_PER_MINUTE = 180

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: the samples go to the callback, in the calling thread
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report missing data instead of ending the process
RATE = 1  # espeakRATE
POS_CHARACTER = 1
CHARS_UTF8 = 1

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(library: Any, data_path: str, text: bytes) -> bytes:
    """Speaks a text.

    Args:
        library: The loaded libespeak-ng.
        data_path: Its `espeak-ng-data` folder.
        text: What to say, in UTF-8.

    Returns:
        Signed 16-bit mono samples at 22.05 kHz.

    Raises:
        RuntimeError: If a call of the library fails.
    """
    heard = bytearray()

    def hear(samples: Any, count: int, _: object) -> int:
        if samples and count > 0:
            heard.extend(ctypes.string_at(samples, count * 2))
        return 0

    callback = Callback(hear)  # the library keeps only its address, so the name has to live until the end
    spoken = text + b"\0"
    if library.espeak_Initialize(SYNCHRONOUS, 0, data_path.encode(), DONT_EXIT) != SAMPLE_RATE:
        raise RuntimeError("espeak-ng found no voice data: install the extra `demo` again.")
    library.espeak_SetSynthCallback(callback)
    failed = (
        library.espeak_SetVoiceByName(VOICE)
        or library.espeak_SetParameter(RATE, WORDS_PER_MINUTE, 0)
        or library.espeak_Synth(spoken, ctypes.c_size_t(len(spoken)), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
        or library.espeak_Synchronize()
    )
    if failed:
        raise RuntimeError(f"espeak-ng refused a text of {len(text)} bytes.")
    return bytes(heard)


def main() -> None:
    """Speaks standard input."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    sys.stdout.buffer.write(speak(library, espeakng_loader.get_data_path(), sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
