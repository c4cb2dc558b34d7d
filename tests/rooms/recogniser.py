"""The caller's own recogniser: pocketsphinx in a process of its own, which keeps the interpreter to itself.

It never meets the worker, the stand-ins or their phrases: audio and, to align it, the voice's own text.
"""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pocketsphinx import Decoder

DEADLINE_S = 120
FRAME_MS = 10
SILENCE = bytes(2 * 16 * 300)
# What the decoder otherwise learns from the first utterance, which it then hears badly.
CEPSTRAL_MEAN = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word and where it is in the audio, in milliseconds."""

    text: str
    start_ms: int
    end_ms: int


def recognise(recordings: Sequence[bytes]) -> list[str]:
    """What is said in recordings of 16 kHz, 16 bit, mono, with the open vocabulary of the decoder's own model."""
    answer = _ask({"recognise": [b64encode(pcm).decode() for pcm in recordings]})
    return [str(text) for text in answer]


def align(pcm: bytes, words: Sequence[str]) -> list[AlignedWord]:
    """Where each of `words` is in audio of 16 kHz, 16 bit, mono that says exactly these."""
    answer = _ask({"align": b64encode(pcm).decode(), "text": " ".join(words)})
    return [AlignedWord(*word) for word in answer]


def _ask(request: dict[str, Any]) -> Any:
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(request), capture_output=True, text=True, timeout=DEADLINE_S,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def _main() -> None:
    request = json.load(sys.stdin)
    if "align" in request:
        answer: Any = _align(b64decode(request["align"]), request["text"])
    else:
        decoder = Decoder(loglevel="FATAL", cmninit=CEPSTRAL_MEAN)
        answer = [_recognise(decoder, b64decode(pcm)) for pcm in request["recognise"]]
    json.dump(answer, sys.stdout)


def _recognise(decoder: Decoder, pcm: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(SILENCE + pcm + SILENCE)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def _align(pcm: bytes, text: str) -> list[tuple[str, int, int]]:
    decoder = Decoder(loglevel="FATAL", bestpath=False)
    decoder.set_align_text(text)
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    return [
        (segment.word.partition("(")[0], FRAME_MS * segment.start_frame, FRAME_MS * (segment.end_frame + 1))
        for segment in decoder.seg() or ()
        if segment.word[0] not in "<["
    ]


if __name__ == "__main__":
    _main()
