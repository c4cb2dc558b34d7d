"""`python -m standins assemblyai`: the command line of the stand-in."""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from standins.assemblyai.engine import Engine
from standins.assemblyai.language_model import PHRASES
from standins.assemblyai.light_engine import LightEngine, read_texts
from standins.assemblyai.server import Limits, Server
from standins.assemblyai.turns import Delays
from standins.process import add_process_arguments, serve

# In milliseconds after the last voiced sample. The recogniser cannot tell a pause from the middle of a word
# earlier than this; the light engine has the delays that are usual for the service.
SPEECH_DELAYS = Delays(utterance_ms=240, partial_ms=300, decision_ms=300)
LIGHT_DELAYS = Delays(utterance_ms=120, partial_ms=300, decision_ms=320)
GAP_MS = 250


def main(argv: list[str]) -> int:
    """Runs the stand-in until it is told to end.

    Args:
        argv: The arguments after the stand-in's name.

    Returns:
        The exit status: 0, or 1 if it could not start.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    server = Server(_engine(options), Limits(options.session_seconds, options.latency_ms))
    try:
        asyncio.run(
            serve(
                "assemblyai",
                server.app(),
                port=options.port,
                exit_on_stdin_eof=options.exit_on_stdin_eof,
                listening=server.listening,
            )
        )
    except OSError as error:
        sys.stderr.write(f"The AssemblyAI stand-in cannot listen on port {options.port}: {error.strerror}.\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m standins assemblyai",
        description="Stand-in for AssemblyAI streaming v3. Engine 'speech' is a small local recogniser; "
        "engine 'light' hears only loudness and takes the words from a list.",
    )
    add_process_arguments(parser)
    parser.add_argument("--engine", choices=("speech", "light"), default="speech")
    parser.add_argument("--phrases", type=Path, default=PHRASES, help="speech: sentences of the domain")
    parser.add_argument("--recognisers", type=int, default=1, help="speech: processes kept ready")
    parser.add_argument("--words-file", type=Path, help="light: JSON list of the texts of each connection")
    parser.add_argument("--gap-ms", type=int, default=GAP_MS, help="light: a longer pause begins the next text")
    parser.add_argument("--utterance-ms", type=int, help="Universal-Streaming: silence before the utterance")
    parser.add_argument("--partial-ms", type=int, help="Universal-3: silence before the first held partial")
    parser.add_argument("--decision-ms", type=int, help="silence before the turn's end is decided")
    parser.add_argument("--ramp", help="Universal-3: confidences of held partials, such as 0,0.4,0.75 or ''")
    parser.add_argument("--latency-ms", type=int, default=0, help="real time by which every message is late")
    parser.add_argument("--session-seconds", type=float, default=Limits().session_seconds)
    return parser


def _engine(options: argparse.Namespace) -> Engine:
    delays = _delays(LIGHT_DELAYS if options.engine == "light" else SPEECH_DELAYS, options)
    if options.engine == "light":
        given = json.loads(options.words_file.read_text(encoding="utf-8")) if options.words_file else []
        return LightEngine(read_texts(given), delays, options.gap_ms)
    # Only the speech engine needs the recogniser's package.
    from standins.assemblyai.speech_engine import SpeechEngine

    return SpeechEngine(options.phrases, delays, options.recognisers)


def _delays(usual: Delays, options: argparse.Namespace) -> Delays:
    def either(given: int | None, otherwise: int) -> int:
        return otherwise if given is None else given

    return Delays(
        utterance_ms=either(options.utterance_ms, usual.utterance_ms),
        partial_ms=either(options.partial_ms, usual.partial_ms),
        decision_ms=either(options.decision_ms, usual.decision_ms),
        ramp=usual.ramp if options.ramp is None else tuple(float(value) for value in options.ramp.split(",") if value),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
