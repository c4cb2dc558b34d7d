"""A caller is never left in silence: what fails is told in a line, and the call goes on or ends in order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents import Agent, APIConnectionError, APIStatusError, StopResponse
from livekit.agents.voice import audio_recognition
from livekit.rtc._proto.stats_pb2 import RtcStats

from config.spoken_lines import Line, lines_in
from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Microphone, Speaker
from tests.speech.memory_recorder import PATIENCE_S
from tests.speech.scripted_tts import ScriptedTTS
from worker.session.closing.ending import Ending
from worker.session.conversation.announcing import Announcer
from worker.session.watching import supervision
from worker.session.watching.supervision import Supervision
from worker.session.watching.watchdogs import Limits, Watchdogs
from worker.speech.spoken_lines import SpokenLines
from worker.transcript.events import AgentSaid, AgentSentence, ErrorRaised

TEXTS = lines_in("en", {})


class Loudspeaker(Speaker):
    """Plays everything at once."""

    def flush(self) -> None:
        super().flush()
        if self._seconds:
            self.play_all()


@dataclass
class Watched:
    """A session with its watchdogs."""

    stage: Stage
    supervision: Supervision
    lines: SpokenLines
    ends: list[Ending] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, ending: Ending) -> None:
        self.ends.append(ending)
        self.ended.set()
        self.stage.session.end()

    async def until_said(self, line: Line) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while TEXTS[line] not in [said.text for said in self.stage.recorder.of(AgentSaid)]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def until_ended(self) -> Ending:
        async with asyncio.timeout(PATIENCE_S):
            await self.ended.wait()
        return self.ends[0]


@pytest.fixture
async def watched(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(supervision, "LOOK_SECONDS", 0.01)
    lines = SpokenLines(tmp_path, "ash", TEXTS)
    await lines.prepare(ScriptedTTS())
    limits = Limits(answer=0.3, failures=2)
    began = asyncio.get_running_loop().time()
    watched: Watched

    def end(ending: Ending) -> None:
        watched.end(ending)

    watch = Supervision(
        Watchdogs(limits, began),
        stage.session,
        room=cast("rtc.Room", SimpleNamespace(remote_participants={})),
        roster=cast("Any", SimpleNamespace(transcribed="caller")),
        recorder=stage.recorder,
        announcer=Announcer(stage.session, lines),
        end=end,
    )
    watched = Watched(stage, watch, lines)
    stage.session.output.audio = Loudspeaker()
    await stage.session.start(Agent(instructions="Take orders."))
    watch.start()
    yield watched
    await watch.aclose()


async def test_an_llm_that_fails_once_is_told_in_a_line_that_needs_no_voice(watched: Watched) -> None:
    watched.stage.llm.outcomes = [APIStatusError("no", status_code=400)]
    watched.stage.tts.failures = [APIConnectionError("dead", retryable=False)] * 9
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    await watched.until_said("trouble")
    assert watched.ends == []
    assert [error.code for error in watched.stage.recorder.of(ErrorRaised)] == ["llm.http_400"]
    # Written before it was spoken, as everything that is said.
    assert TEXTS["trouble"] in [piece.text for piece in watched.stage.recorder.of(AgentSentence)]
    assert watched.stage.tts.spoken == []


async def test_a_key_that_is_refused_ends_the_call_with_an_apology(watched: Watched) -> None:
    watched.stage.llm.outcomes = [APIStatusError("no", status_code=401)]
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    assert await watched.until_ended() == Ending("error", "The language model refuses the API key.")
    await watched.until_said("failed")


async def test_a_recogniser_that_gives_up_ends_the_call_with_one_error_and_an_apology(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The framework makes streams anew all the time that the apology takes.
    monkeypatch.setattr(audio_recognition, "_STT_RECONNECT_INTERVAL", 0.005)
    watched.stage.server.steps = [401]
    watched.stage.session.input.audio = Microphone(level=100)
    assert await watched.until_ended() == Ending("error", "AssemblyAI refuses the API key.")
    await watched.until_said("failed")
    assert [error.code for error in watched.stage.recorder.of(ErrorRaised)] == ["assemblyai.http_401"]
    assert watched.stage.server.attempts == 1


async def test_a_voice_that_is_dead_is_told_and_then_ends_the_call(watched: Watched) -> None:
    watched.stage.llm.outcomes = [says("One pizza."), says("Two pizzas.")]
    watched.stage.tts.failures = [APIConnectionError("dead", retryable=False)] * 9
    watched.stage.session.generate_reply(user_input="One pizza.")
    await watched.until_said("trouble")
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    assert (await watched.until_ended()).reason == "error"
    await watched.until_said("failed")


async def test_an_llm_that_hangs_is_given_up(watched: Watched) -> None:
    watched.stage.llm.outcomes = [None, says("Two it is.")]
    handle = watched.stage.session.generate_reply(user_input="Two pizzas.")
    await watched.until_said("trouble")
    assert handle.interrupted
    assert [error.code for error in watched.stage.recorder.of(ErrorRaised)] == ["call.no_answer"]
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    async with asyncio.timeout(PATIENCE_S):
        while "Two it is." not in [said.text for said in watched.stage.recorder.of(AgentSaid)]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert watched.ends == []


async def test_a_voice_that_hangs_is_given_up(watched: Watched) -> None:
    watched.stage.llm.outcomes = [says("Two it is.")]
    watched.stage.tts.hang = True
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    await watched.until_said("trouble")


async def test_a_line_that_was_never_made_is_asked_of_the_voice(watched: Watched) -> None:
    for line in TEXTS:
        watched.lines.path(line).unlink()
    watched.stage.llm.outcomes = [APIStatusError("no", status_code=400)]
    watched.stage.session.generate_reply(user_input="Two pizzas.")
    await watched.until_said("trouble")
    # The framework speaks sentence by sentence.
    assert " ".join(watched.stage.tts.spoken) == TEXTS["trouble"]


# --- the caller's microphone


class Track:
    """An audio track whose packets the test counts."""

    def __init__(self) -> None:
        self.packets = 0
        self.looks = 0

    async def get_stats(self) -> list[RtcStats]:
        self.looks += 1
        stats = RtcStats()
        stats.inbound_rtp.received.packets_received = self.packets
        return [RtcStats(), stats]


def caller_with(track: Track, *, muted: bool = False, **attributes: str) -> Any:
    published = SimpleNamespace(kind=rtc.TrackKind.KIND_AUDIO, subscribed=True, muted=muted, track=track)
    return SimpleNamespace(attributes=attributes, track_publications={"TR_1": published})


async def looked_at(watched: Watched, track: Track, monkeypatch: pytest.MonkeyPatch, **of_caller: Any) -> list[bool]:
    """What the watchdogs are told of the audio."""
    told: list[bool] = []
    await watched.supervision.aclose()
    monkeypatch.setattr(supervision, "AUDIO_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watched.supervision._watchdogs, "audio_flows", lambda flows, _: told.append(flows))
    room = cast("Any", watched.supervision._room)
    room.remote_participants["caller"] = caller_with(track, **of_caller)
    watched.supervision.start()
    async with asyncio.timeout(PATIENCE_S):
        while len(told) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return told[:3]


async def test_a_track_without_new_packets_brings_no_audio(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await looked_at(watched, Track(), monkeypatch) == [True, False, False]


async def test_a_microphone_that_is_muted_is_not_missed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    track = Track()
    assert await looked_at(watched, track, monkeypatch, muted=True) == [True, True, True]
    assert track.looks == 0


async def test_a_phone_that_rings_is_not_waited_for(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = caller_with(Track())
    caller.attributes["sip.callStatus"] = "ringing"
    room = cast("Any", watched.supervision._room)
    room.remote_participants["caller"] = caller
    assert watched.supervision._microphone() is None
    caller.attributes["sip.callStatus"] = "active"
    assert watched.supervision._microphone() is not None


async def test_an_agent_with_a_hook_of_its_own_may_keep_silent(watched: Watched) -> None:
    class Listener(Agent):
        async def on_user_turn_completed(self, turn_ctx: Any, new_message: Any) -> None:
            raise StopResponse

    assert watched.supervision._answers_every_turn()
    watched.stage.session.update_agent(Listener(instructions="Listen."))
    assert not watched.supervision._answers_every_turn()
