"""AssemblyAI streaming STT that does not go deaf, with every final on disk before the session sees it.

Top to bottom: `stt` (what the session is given) -> `stream` (one caller's audio, through as many provider sessions
as it takes) -> `connection` (one provider session). Pure are `decisions` (what a failure means), `persistence` (when
to try again), `backlog` (the audio that is not final yet), `pace`, `lifetime`, `silence`, `echo_gate`,
`stream_clock`; `turn_frames` turns messages into journal events.

Bent of livekit-plugins-assemblyai 1.8.9: `SpeechStream._run`, `_connect_ws`, `_process_stream_event` and
`_config_update_queue`; `tests/speech/assemblyai/test_contract.py` fails when the plugin changes them.
"""

from worker.speech.assemblyai.stream import RecordingStream
from worker.speech.assemblyai.stt import RecordingSTT

__all__ = ["RecordingSTT", "RecordingStream"]
