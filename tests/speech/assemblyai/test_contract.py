"""What the STT bends in the AssemblyAI plugin is still there, under these names and with these meanings.

A failure here means that the plugin has changed: read `worker/speech/assemblyai/` against its new source.
`make canary` runs this on the newest release.
"""

import dataclasses
import inspect
import os
from importlib.metadata import version

import aiohttp
import pytest
from livekit.agents import Agent, APIConnectOptions, APIStatusError, stt
from livekit.agents.voice import audio_recognition
from livekit.plugins import assemblyai
from livekit.plugins.assemblyai import stt as plugin

from tests.speech.conftest import MakeStt
from tests.speech.scripted_server import ScriptedServer, final, turn, until_terminated

PINNED = "1.8.9"


def parameters(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


@pytest.mark.skipif("VERBATIM_TEST_CANARY" in os.environ, reason="`make canary` is there for other versions")
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
    assert source.count("self._session.") == 1, "SpeechStream._connect_ws uses more of its session than ws_connect"


async def test_the_stream_keeps_what_ours_reads_under_these_names(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=APIConnectOptions(max_retry=0))
        for name in ("_task", "_input_ch", "_event_ch", "_config_update_queue", "_opts", "_conn_options",
                     "_speech_duration", "_FlushSentinel", "start_time", "start_time_offset",
                     "_last_preflight_start_time"):  # fmt: skip
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


def test_the_options_can_be_copied_and_compared() -> None:
    (options,) = (each for name, each in vars(plugin).items() if name == "STTOptions")
    assert dataclasses.is_dataclass(options)
    assert options.__eq__ is not object.__eq__, "STTOptions no longer compares its fields"
    names = {each.name for each in dataclasses.fields(options)}
    assert {"format_turns", "max_turn_silence", "speaker_labels", "sample_rate"} <= names


def test_an_api_error_ends_a_stream_and_the_session_makes_another() -> None:
    loop = inspect.getsource(stt.RecognizeStream._main_task)
    assert "except APIError as e:" in loop, "RecognizeStream no longer knows APIError from other errors"
    assert "if not e.retryable" in loop, "RecognizeStream tries again what is not retryable"
    pump = inspect.getsource(audio_recognition._STTPipeline._stt_pump)
    assert "except APIError:" in pump, "a session no longer makes another stream after an APIError"


def test_a_stream_s_times_are_told_to_the_session_as_they_were() -> None:
    node = inspect.getsource(Agent.default.stt_node)
    assert "stream.start_time_offset = time.time() - _audio_input_started_at" in node
    assert "self.start_time_offset" in inspect.getsource(assemblyai.SpeechStream._process_stream_event)
    assert "self.start_time + timestamp_ms / 1000" in inspect.getsource(assemblyai.SpeechStream._process_stream_event)


async def test_a_turn_whose_final_comes_formatted_is_final_once(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        stream = make_stt(server.url).stream(conn_options=APIConnectOptions(max_retry=0))
        stream._process_stream_event(turn("two pizzas", end_of_turn=True))
        stream._process_stream_event(final("Two pizzas."))
        kinds = [stream._event_ch.recv_nowait().type for _ in range(stream._event_ch.qsize())]
        assert kinds.count(stt.SpeechEventType.FINAL_TRANSCRIPT) == 1, "format_turns=True no longer gives one final"
        await stream.aclose()


def test_errors_have_the_fields_that_the_session_counts_by() -> None:
    assert {"label", "error", "recoverable", "timestamp"} <= set(stt.STTError.model_fields)
    refused = APIStatusError("no", status_code=429)
    assert (refused.retryable, refused.message) == (True, "no")
    assert not APIStatusError("no", status_code=401).retryable
