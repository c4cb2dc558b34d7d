"""Stand-in for AssemblyAI's streaming speech-to-text: API v3, both model families.

Top to bottom: `server` (upgrade, refusals, control) -> `session` (one connection) -> an engine's ear (what is
heard: `speech_engine` recognises, `light_engine` reads from a list) -> `universal_streaming` or `universal_3`
(what the service says about it) -> `messages`. Turn logic is pure and counts stream time; only `outbox`,
`session` and `recogniser_pool` wait for anything.
"""
