"""Verbatim: a LiveKit voice agent worker that never loses a word."""
