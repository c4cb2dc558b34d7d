"""The transcript: what happened in a call, as events, as journal lines, and as people read it.

Pure: no file, no clock, no event loop, no LiveKit. Everything here is a function of its arguments.

* `events`: what can happen in a call, one dataclass a kind.
* `line`, `reading`: an event as a line of the journal, and many lines back into events.
* `replay`: the journals of all parts into one `model.Transcript`; the only way to a transcript.
* `render`: the transcript as JSON, Markdown and plain text.
* `integrity`, `checking`: the manifest that says what was stored, and whether it still is.
"""
