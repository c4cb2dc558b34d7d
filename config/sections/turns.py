"""When the caller has finished, and when the caller interrupts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.sections.base import Section
from config.values import Texts, wrong

Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


LONGEST_BACKCHANNEL = 50
"""Characters of a word of assent; whatever is longer says something."""

BACKCHANNELS = ("mhm", "mm-hmm", "mm", "hmm", "hm", "uh-huh")
"""Sounds that mean the same in most languages and are no answer to any question."""


def _phrases(phrases: tuple[str, ...]) -> tuple[str, ...]:
    if any(len(phrase) > LONGEST_BACKCHANNEL for phrase in phrases):
        raise wrong(f"has an entry longer than {LONGEST_BACKCHANNEL} characters; drop it")
    if not all(any(character.isalnum() for character in phrase) for phrase in phrases):
        raise wrong("has an entry without a word; drop it")
    return phrases


class TurnsSettings(Section):
    """When the caller has finished, and when the caller interrupts. All times are milliseconds."""

    mode: Literal["stt", "vad"] = "stt"
    """Who decides that a turn is over: `stt`, AssemblyAI's turn detection; `vad`, the local voice activity
    detection, by silence alone (`turns.vad_min_silence`)."""

    preset: Literal["fast", "min_latency", "balanced", "max_accuracy", "speakers", "aggressive", "conservative"] = (
        "fast"
    )
    """How AssemblyAI ends a turn. Universal-3: `fast` (100/1000 ms of silence), its own modes `min_latency` (128/1536),
    `balanced` (128/1536) and `max_accuracy` (800/1536), and `speakers` (640/768), the default with
    `stt.speaker_labels`. Universal-Streaming: `aggressive` (160/400), `balanced` (400/1280, the default there) and
    `conservative` (800/3600, and 0.7 of confidence instead of 0.4)."""

    min_turn_silence: Milliseconds = 100
    """Silence in milliseconds after which AssemblyAI checks whether the turn is over; not set: the preset's. Higher
    values cut callers off less often, and answer later."""

    max_turn_silence: Milliseconds = 1000
    """Silence in milliseconds after which the turn is over even when the sentence seems unfinished; not set: the
    preset's."""

    dictation_min_turn_silence: Milliseconds = 1000
    """The same as `turns.min_turn_silence` while a caller reads out a number or spells a name, which an agent says
    by `self.session.dictation(True)`. A low value cuts what is read in groups into several turns."""

    dictation_max_turn_silence: Milliseconds = 3000
    """The same as `turns.max_turn_silence` while a caller reads something out."""

    endpointing_min_delay: Milliseconds = 0
    """Milliseconds that are waited in addition after a turn has been found to be over."""

    vad_min_speech: Milliseconds = 50
    """Sound in milliseconds that the local voice activity detection takes for the beginning of speech."""

    vad_min_silence: Milliseconds = 550
    """Silence in milliseconds that the local voice activity detection takes for the end of speech; with
    `turns.mode` `vad` it ends the turn."""

    interruptions: bool = True
    """Let callers interrupt the agent. What they say meanwhile is recognised and stored in any case."""

    interruption_min_duration: Milliseconds = 500
    """Speech in milliseconds with which a caller interrupts the agent. Higher values keep noise and echo from
    stopping it."""

    interruption_min_words: Annotated[int, Field(ge=0, le=20)] = 0
    """Words that have to be recognised before the agent stops; 0: sound is enough."""

    phone_interruption_min_duration: Milliseconds = 800
    """The same as `turns.interruption_min_duration` for callers on a phone, whose line gives back some of the agent's
    own voice."""

    phone_interruption_min_words: Annotated[int, Field(ge=0, le=20)] = 2
    """The same as `turns.interruption_min_words` for callers on a phone."""

    phone_echo_level: Annotated[float, Field(ge=-60, le=0)] | None = None
    """Loudest peak, in dBFS from -60 to 0, that the agent's own voice has when a phone line gives it back; what is no
    louder while the agent speaks to a caller on a phone is kept from the recogniser. -24 is right for a line without
    an echo canceller. Callers who speak more quietly than this at the same time as the agent are not heard then, so
    leave it out where the network cancels echoes; not set: everything is heard."""

    false_interruption_timeout: Milliseconds = 2000
    """Milliseconds without recognised words after which an interruption was a false one; 0: none ever is."""

    backchannels: Annotated[Texts, AfterValidator(_phrases)] = BACKCHANNELS
    """Words of assent that callers say while they listen: a turn of these alone, said while the agent speaks, neither
    interrupts it nor is answered; it is stored like every other. Words such as "yes" or "okay" may be added, at the
    price that an answer in the middle of a question is not taken for one."""

    resume_false_interruption: bool = True
    """After a false interruption, go on speaking where the agent stopped."""

    last_words_timeout: Milliseconds = 3000
    """Milliseconds to wait, when a call ends in the middle of a sentence, for its last words."""
