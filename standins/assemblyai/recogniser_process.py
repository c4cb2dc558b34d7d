"""The process in which one recogniser runs: requests on standard input, answers on standard output.

A request is one byte, the length of its payload as four bytes (big endian), and the payload. An answer is
its length in the same way, and JSON. The end of standard input ends the process.
"""

import json
import signal
import struct
import sys
from dataclasses import astuple
from pathlib import Path
from typing import BinaryIO

from standins.assemblyai.recogniser import Recogniser
from standins.assemblyai.words import Word

FEED, SO_FAR, FINISH = b"F", b"S", b"E"
HEADER = struct.Struct(">cI")
LENGTH = struct.Struct(">I")


def main(phrases: str) -> None:
    """Serves requests until standard input ends.

    Args:
        phrases: The path of the phrase file.
    """
    # Ctrl-C reaches the whole process group; the parent ends this process by closing its pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    recogniser = Recogniser(Path(phrases))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _answer(answers, [])
    while header := requests.read(HEADER.size):
        operation, length = HEADER.unpack(header)
        payload = requests.read(length)
        if operation == FEED:
            recogniser.feed(payload)
        elif operation == SO_FAR:
            _answer(answers, recogniser.so_far())
        elif operation == FINISH:
            _answer(answers, recogniser.finish())


def _answer(answers: BinaryIO, words: list[Word]) -> None:
    body = json.dumps([astuple(word) for word in words]).encode()
    answers.write(LENGTH.pack(len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
