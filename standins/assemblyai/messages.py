"""The server's messages, as JSON objects.

Source: AssemblyAI streaming API v3, messages. Times are milliseconds of stream time.
"""

from collections.abc import Sequence
from typing import Any

from standins.assemblyai.words import Word

Message = dict[str, Any]


def begin(session_id: str, expires_at: int, model: str) -> Message:
    """The session is open; `expires_at` is in Unix seconds."""
    return {"type": "Begin", "id": session_id, "expires_at": expires_at, "configuration": {"model": model}}


def speech_started(onset_ms: int) -> Message:
    """A voice set in, at a time that may lie well back."""
    return {"type": "SpeechStarted", "timestamp": onset_ms, "confidence": 0.9}


def turn(
    *,
    turn_order: int,
    words: Sequence[Word],
    written: Sequence[str],
    transcript: str,
    utterance: str = "",
    end_of_turn: bool = False,
    is_formatted: bool = False,
    confidence: float,
) -> Message:
    """One state of a turn.

    Args:
        turn_order: 0 for the session's first turn.
        words: All words of the turn so far.
        written: How each of them is written.
        transcript: The turn's text so far.
        utterance: The text that is ready for use, when there is one.
        end_of_turn: Whether this is a final; all words are final then.
        is_formatted: Whether the text has capitals and punctuation.
        confidence: How sure it is that the turn has ended.
    """
    return {
        "type": "Turn",
        "turn_order": turn_order,
        "turn_is_formatted": is_formatted,
        "end_of_turn": end_of_turn,
        "transcript": transcript,
        "utterance": utterance,
        "end_of_turn_confidence": round(confidence, 4),
        "words": [
            {
                "text": text,
                "start": word.start_ms,
                "end": word.end_ms,
                "confidence": round(word.confidence, 4),
                "word_is_final": end_of_turn or word.settled,
            }
            for word, text in zip(words, written, strict=True)
        ],
    }


def speaker_revision(turns: int) -> Message:
    """The speakers of the session's turns on second thoughts: they take turns, too."""
    revisions = [{"turn_order": order, "speaker_label": "AB"[order % 2], "words": []} for order in range(turns)]
    return {"type": "SpeakerRevision", "revisions": revisions}


def termination(audio_ms: float, session_s: float) -> Message:
    """The last message after `Terminate`: whole seconds of audio received and of session, as billed."""
    return {
        "type": "Termination",
        "audio_duration_seconds": round(audio_ms / 1000),
        "session_duration_seconds": max(1, round(session_s)),
    }


def error(code: int, sentence: str) -> Message:
    """What goes before a close with one of the service's own codes."""
    return {"type": "Error", "error_code": code, "error": sentence}
