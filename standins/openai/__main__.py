"""`python -m standins openai`: serves the stand-in until it is told to end."""

import argparse
import asyncio
import sys

from pydantic import ValidationError

from standins.openai.server import Server
from standins.openai.settings import Settings
from standins.process import add_process_arguments, serve
from standins.voices import Synthesizer, VoiceError
from standins.voices.synthesizer import ENGINES


def main(argv: list[str]) -> int:
    """Runs the stand-in.

    Returns:
        0 at a clean end, 1 if it cannot start.
    """
    parser = argparse.ArgumentParser(prog="standins openai", description=__doc__)
    add_process_arguments(parser)
    parser.add_argument("--first-token-ms", type=float, help="delay of a chat answer's first piece")
    parser.add_argument("--tokens-per-second", type=float, help="rate of a chat answer's pieces")
    parser.add_argument("--first-byte-ms", type=float, help="delay of a speech's first byte")
    parser.add_argument("--strict", action="store_true", help="answer 400 to a sentence that no rule covers")
    parser.add_argument("--voice-engine", choices=ENGINES, help="default: flite if installed, else espeak")
    options = vars(parser.parse_args(argv))
    given = {name: value for name, value in options.items() if name in Settings.model_fields and value is not None}
    try:
        server = Server(Settings(**given), Synthesizer(options["voice_engine"]))
        asyncio.run(
            serve(
                "openai",
                server.app(),
                port=options["port"],
                exit_on_stdin_eof=options["exit_on_stdin_eof"],
                listening=server.listening,
            )
        )
    except (VoiceError, ValidationError, OSError) as error:
        sys.stderr.write(f"The OpenAI stand-in cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
