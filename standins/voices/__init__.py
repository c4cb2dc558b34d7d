"""Synthesised voices for the stand-ins: flite where it is installed, else espeak-ng from its wheel."""

from standins.voices.synthesizer import Synthesizer, VoiceError

__all__ = ["Synthesizer", "VoiceError"]
