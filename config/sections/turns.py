"""When the caller has finished, and when the caller interrupts."""

from typing import Annotated, Literal

from pydantic import Field

from config.sections.base import Section

Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class TurnsSettings(Section):
    """When the caller has finished, and when the caller interrupts. All times are milliseconds."""

    mode: Literal["stt", "vad"] = "stt"
    """Who decides that a turn is over: `stt`, AssemblyAI's turn detection; `vad`, silence alone."""

    min_turn_silence: Milliseconds = 100
    """Silence in milliseconds after which AssemblyAI checks whether the turn is over. Higher values cut
    callers off less often, and answer later."""

    max_turn_silence: Milliseconds = 1000
    """Silence in milliseconds after which the turn is over even when the sentence seems unfinished."""

    endpointing_min_delay: Milliseconds = 0
    """Milliseconds that are waited in addition after a turn has been found to be over."""

    vad_min_speech: Milliseconds = 50
    """Sound in milliseconds that the local voice activity detection takes for the beginning of speech."""

    vad_min_silence: Milliseconds = 550
    """Silence in milliseconds that the local voice activity detection takes for the end of speech; with
    `turns.mode` `vad` it ends the turn."""

    interruption_min_duration: Milliseconds = 500
    """Speech in milliseconds with which a caller interrupts the agent. Higher values keep noise and echo from
    stopping it."""

    interruption_min_words: Annotated[int, Field(ge=0, le=20)] = 0
    """Words that have to be recognised before the agent stops; 0: sound is enough."""

    false_interruption_timeout: Milliseconds = 2000
    """Milliseconds without recognised words after which an interruption was a false one."""

    resume_false_interruption: bool = True
    """After a false interruption, go on speaking where the agent stopped."""

    last_words_timeout: Milliseconds = 3000
    """Milliseconds to wait, when a call ends in the middle of a sentence, for its last words."""
