"""How the session listens: what an agent may change while a call runs, and what is no turn at all."""

from collections.abc import Sequence
from typing import Any

from livekit.agents import AgentSession, UserStateChangedEvent, stt
from pydantic import ValidationError

from config import Settings
from config.contradictions import find_contradictions
from config.model_options import languages
from config.sentences import sentence
from worker.errors import Misconfigured
from worker.speech.assemblyai import RecordingSTT
from worker.speech.backchannels import Backchannels

GIVEN_BY_THE_AGENT = "the agent"

CHANGEABLE = {
    "keyterms": ("stt.keyterms", "keyterms_prompt"),
    "prompt": ("stt.prompt", "prompt"),
    "language_codes": ("stt.language_codes", "language_codes"),
    "min_turn_silence": ("turns.min_turn_silence", "min_turn_silence"),
    "max_turn_silence": ("turns.max_turn_silence", "max_turn_silence"),
}
"""Setting and service's name by the name that an agent uses (AssemblyAI streaming API, `UpdateConfiguration`)."""


class Listening:
    """The recogniser's settings in one call; every change is checked as the settings are at the start.

    Args:
        settings: as the call began with them.
        recogniser: takes the changes, and keeps them when it connects anew.
    """

    def __init__(self, settings: Settings, recogniser: RecordingSTT) -> None:
        self._settings = settings
        self._recogniser = recogniser
        self._dictation = False

    def dictation(self, on: bool) -> None:
        """Wait longer for the end of a turn, or no longer so."""
        if on != self._dictation:
            self._dictation = on
            self._recogniser.update_options(**self._silences())

    def change(self, changes: dict[str, Any]) -> None:
        """Change what is named in `changes`, by the names of `CHANGEABLE`.

        Raises:
            Misconfigured: a value is not possible, or not with the model; nothing has changed.
        """
        self._settings = _checked(self._settings, changes)
        told = {CHANGEABLE[name][1]: _told(self._settings, CHANGEABLE[name][0]) for name in changes}
        if self._dictation:
            told |= self._silences()
        self._recogniser.update_options(**told)

    def _silences(self) -> dict[str, Any]:
        turns = self._settings.turns
        if self._dictation:
            low, high = turns.dictation_min_turn_silence, turns.dictation_max_turn_silence
        else:
            low, high = turns.min_turn_silence, turns.max_turn_silence
        return {"min_turn_silence": low, "max_turn_silence": high}


def _checked(settings: Settings, changes: dict[str, Any]) -> Settings:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        section, _, key = CHANGEABLE[name][0].partition(".")
        whole = sections.setdefault(section, getattr(settings, section).model_dump(by_alias=True))
        whole[key] = value
    try:
        changed = settings.model_copy(
            update={name: type(getattr(settings, name)).model_validate(whole) for name, whole in sections.items()}
        )
    except ValidationError as error:
        (section,) = [name for name in sections if type(getattr(settings, name)).__name__ == error.title]
        details = error.errors(include_input=False, include_url=False, include_context=False)
        raise Misconfigured(
            *(sentence({**each, "loc": (section, *each["loc"])}, GIVEN_BY_THE_AGENT) for each in details)
        ) from None
    known = set(find_contradictions(settings, "", frozenset()))
    if new := [each for each in find_contradictions(changed, "", frozenset()) if each not in known]:
        raise Misconfigured(*new)
    return changed


def _told(settings: Settings, key: str) -> Any:
    if key == "stt.language_codes":
        return list(languages(settings))
    value = settings.value(key)
    return list(value) if isinstance(value, tuple) else value


def end_turns_by_silence(session: AgentSession[Any], recogniser: RecordingSTT) -> None:
    """Have the recogniser finish a turn when the local voice activity detection hears its end (`turns.mode` vad)."""

    def finish(event: UserStateChangedEvent) -> None:
        if event.old_state == "speaking" and event.new_state == "listening":
            recogniser.force_endpoint()

    session.on("user_state_changed", finish)


def disregard_assent(session: AgentSession[Any], recogniser: RecordingSTT, phrases: Sequence[str]) -> None:
    """Keep from the session what callers say while they listen, as long as the agent has the word."""
    known = Backchannels(phrases)

    def is_assent(event: stt.SpeechEvent) -> bool:
        speech = session.current_speech
        if speech is None or speech.done() or not event.alternatives:
            return False
        return known.only(event.alternatives[0].text)

    recogniser.disregards = is_assent
