"""Observations as an engine makes them, for the pure tests of the model families."""

from standins.assemblyai.messages import Message
from standins.assemblyai.turns import Turns
from standins.assemblyai.words import SpeechBegan, SpeechPaused, TimePassed, Word, WordsHeard

STEP_MS = 1


def words(text: str, start_ms: int = 1000, *, settled: bool = True) -> tuple[Word, ...]:
    """The words of a text, 200 ms each."""
    return tuple(
        Word(word, start_ms + 200 * place, start_ms + 200 * (place + 1), 0.9, settled)
        for place, word in enumerate(text.split())
    )


def pass_time(turns: Turns, from_ms: int, to_ms: int) -> list[tuple[int, Message]]:
    """Lets the stream go on in steps; each message with the time at which it came."""
    said: list[tuple[int, Message]] = []
    for at_ms in range(from_ms + STEP_MS, to_ms + STEP_MS, STEP_MS):
        said += [(at_ms, message) for message in turns.observe(TimePassed(at_ms))]
    return said


def speak(
    turns: Turns,
    text: str,
    *,
    at_ms: int = 1000,
    last_voice_ms: int = 2000,
    pause_ms: int = 100,
    draft: str | None = None,
) -> list[Message]:
    """A stretch of speech and the pause after which its words are known."""
    said = turns.observe(SpeechBegan(at_ms + 60, at_ms))
    paused = SpeechPaused(
        last_voice_ms + pause_ms,
        last_voice_ms,
        words(text, at_ms),
        None if draft is None else words(draft, at_ms),
    )
    return said + turns.observe(paused)


def hear(turns: Turns, at_ms: int, text: str) -> list[Message]:
    """The words so far of a stretch that goes on."""
    return turns.observe(WordsHeard(at_ms, words(text, settled=False)))
