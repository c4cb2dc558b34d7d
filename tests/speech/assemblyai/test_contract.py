"""What the STT bends in the AssemblyAI plugin is still there, under these names and with these meanings.

A failure here means that the plugin has changed: read `worker/speech/assemblyai.py` against its new source.
"""

import inspect
from importlib.metadata import version

import aiohttp
import pytest
from livekit.agents import APIConnectOptions, stt
from livekit.plugins import assemblyai

from tests.speech.conftest import MakeStt
from tests.speech.scripted_server import ScriptedServer, until_terminated

PINNED = "1.8.9"


def parameters(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_the_plugin_is_the_version_that_was_read() -> None:
    assert version("livekit-plugins-assemblyai") == PINNED
    assert version("livekit-agents") == PINNED


@pytest.mark.parametrize(
    ("name", "expected", "is_async"),
    [
        ("_run", ["self"], True),
        ("_connect_ws", ["self"], True),
        ("_process_stream_event", ["self", "data"], False),
        ("aclose", ["self"], True),
        ("end_input", ["self"], False),
        ("update_options", None, False),
    ],
)
def test_the_stream_has_the_method(name: str, expected: list[str] | None, is_async: bool) -> None:
    method = getattr(assemblyai.SpeechStream, name, None)
    assert method is not None, f"assemblyai.SpeechStream has no {name} any more"
    assert inspect.iscoroutinefunction(method) is is_async, f"SpeechStream.{name} is no longer async={is_async}"
    if expected is not None:
        assert parameters(method) == expected, f"SpeechStream.{name} takes {parameters(method)}"


def test_the_stream_is_made_from_these_arguments() -> None:
    assert parameters(assemblyai.SpeechStream.__init__) == [
        "self", "stt", "opts", "conn_options", "api_key", "http_session", "base_url",
    ]  # fmt: skip


def test_the_connection_is_opened_with_the_session_that_the_stream_was_given() -> None:
    source = inspect.getsource(assemblyai.SpeechStream._connect_ws)
    assert "self._session.ws_connect(url, headers=headers)" in source, "SpeechStream._connect_ws opens it differently"


async def test_the_stream_keeps_what_ours_reads_under_these_names(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=APIConnectOptions(max_retry=0))
        for name in ("_task", "_input_ch", "_event_ch", "_config_update_queue", "_opts", "_conn_options",
                     "_speech_duration", "_FlushSentinel", "start_time"):  # fmt: skip
            assert hasattr(stream, name), f"assemblyai.SpeechStream has no {name} any more"
        assert isinstance(stream, stt.RecognizeStream)
        stream.flush()
        assert isinstance(await stream._input_ch.recv(), stream._FlushSentinel), "flush() sends no _FlushSentinel"
        stream.update_options(max_turn_silence=900)
        assert stream._config_update_queue.get_nowait() == {"type": "UpdateConfiguration", "max_turn_silence": 900}
        assert not stream._input_ch.closed
        stream.end_input()
        assert stream._input_ch.closed, "end_input() does not close _input_ch"
        await stream.aclose()


async def test_the_stt_keeps_what_ours_reads_under_these_names() -> None:
    async with aiohttp.ClientSession() as http:
        plain = assemblyai.STT(api_key="key", base_url="ws://127.0.0.1:1", http_session=http, min_turn_silence=100)
        assert plain._api_key == "key"
        assert plain._base_url == "ws://127.0.0.1:1"
        assert plain._opts.min_turn_silence == 100
        assert plain._opts.sample_rate == 16_000
        assert len(plain._streams) == 0


async def test_the_stt_s_updates_reach_the_streams_that_are_registered(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=APIConnectOptions(max_retry=0))
        assert stream in owner._streams
        owner.update_options(min_turn_silence=300)
        assert stream._opts.min_turn_silence == 300
        await stream.aclose()
