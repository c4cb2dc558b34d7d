"""STT, LLM and TTS: the providers, each behind a wrapper that writes ahead.

The wrappers are components (`livekit.agents.stt.STT`, `llm.LLM`, `tts.TTS`), not methods of an
Agent: a component sees everything that passes, whichever Agent class speaks.
"""
