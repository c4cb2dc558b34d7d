"""A stand-in for an OpenAI-compatible API: scripted chat completions, and speech by a local voice."""
