"""Keys that were not copied well are found before a call."""

import secrets
from typing import Any

import pytest

from config import Settings
from worker.doctor.findings import Finding, Verdict
from worker.doctor.keys import check_keys

GOOD: dict[str, dict[str, Any]] = {
    "livekit": {"url": "wss://calls.example.org", "api_key": "APIabcdefgh", "api_secret": "s" * 32},
    "stt": {"api_key": "0123456789abcdef" * 2},
    "llm": {"api_key": "sk-" + "A1b2" * 10},
    "tts": {"api_key": "sk-" + "A1b2" * 10},
}


def settings(**changes: dict[str, Any]) -> Settings:
    return Settings.model_validate({name: GOOD.get(name, {}) | changes.get(name, {}) for name in {*GOOD, *changes}})


def found(**changes: dict[str, Any]) -> list[Finding]:
    findings = check_keys(settings(**changes))
    for finding in findings:
        assert finding.verdict is Verdict.FINE or finding.remedy
    return findings


def test_good_keys_are_one_finding() -> None:
    (finding,) = found()
    assert finding == Finding("keys", Verdict.FINE, "All keys are set and look like keys.")


def test_every_missing_key_is_named_once() -> None:
    nothing: dict[str, Any] = {"api_key": None}
    findings = found(livekit={"url": None, "api_key": None, "api_secret": None}, stt=nothing, llm=nothing, tts=nothing)
    assert [finding.sentence for finding in findings] == [
        f"{name} is not set."
        for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "ASSEMBLYAI_API_KEY", "OPENAI_API_KEY")
    ]
    assert {finding.verdict for finding in findings} == {Verdict.FAILED}


@pytest.mark.parametrize(
    "text",
    ["your-api-key", "YOUR_KEY_HERE", "<key>", "changeme", "change-me", "sk-...", "xxxxxxxxxxxxxxxx", "replace_me",
     "your key"],
)  # fmt: skip
def test_a_placeholder_is_recognised(text: str) -> None:
    (finding,) = found(stt={"api_key": text})
    assert (finding.verdict, finding.sentence) == (Verdict.FAILED, "ASSEMBLYAI_API_KEY is still a placeholder.")


@pytest.mark.parametrize(
    "text", ["sk-xxxA1b2A1b2A1b2A1b2A1b2", "sk-A1yourA1b2A1b2A1b2A1b2A1b2", "sk-A1XxX2A1b2A1b2A1b2A1b2"]
)
def test_a_random_key_that_happens_to_hold_a_word_is_none(text: str) -> None:
    (finding,) = found(llm={"api_key": text}, tts={"api_key": text})
    assert finding.verdict is Verdict.FINE


def test_random_keys_are_never_taken_for_placeholders() -> None:
    for _ in range(2000):
        text = "sk-proj-" + secrets.token_urlsafe(120)
        assert found(llm={"api_key": text}, tts={"api_key": text})[0].verdict is Verdict.FINE


@pytest.mark.parametrize("text", ["'0123456789abcdef'", '"0123"', "0123 4567"])
def test_blanks_and_quotes_are_recognised(text: str) -> None:
    (finding,) = found(stt={"api_key": text})
    assert (finding.verdict, finding.sentence) == (Verdict.FAILED, "ASSEMBLYAI_API_KEY contains blanks or quotes.")


@pytest.mark.parametrize("text", ["sk-" + "A1b2" * 10, "0123456789abcdef", "0123456789ABCDEF" * 2])
def test_a_key_of_another_shape_is_a_warning(text: str) -> None:
    (finding,) = found(stt={"api_key": text})
    assert finding.verdict is Verdict.WARNING
    assert "does not look like a key of assemblyai.com" in finding.sentence


@pytest.mark.parametrize(
    "base_url", ["ws://127.0.0.1:41234", "wss://notassemblyai.com", "wss://assemblyai.com.example"]
)
def test_another_endpoint_may_have_keys_of_any_shape(base_url: str) -> None:
    (finding,) = found(stt={"api_key": "demo", "base_url": base_url})
    assert finding.verdict is Verdict.FINE


def test_a_shared_key_of_another_shape_is_one_warning() -> None:
    (finding,) = found(llm={"api_key": "abc"}, tts={"api_key": "abc"})
    assert "OPENAI_API_KEY does not look like a key of openai.com" in finding.sentence


def test_a_short_secret_of_livekit_is_a_warning() -> None:
    (finding,) = found(livekit={"api_secret": "devsecret"})
    assert finding.verdict is Verdict.WARNING
    assert "fewer than 32 characters" in finding.sentence


def test_a_plugin_of_one_s_own_needs_no_key_of_openai() -> None:
    plugin = {"api_key": None, "plugin": "own:Plugin"}
    (finding,) = found(llm=plugin, tts=plugin)
    assert finding.verdict is Verdict.FINE


def test_no_finding_holds_a_key() -> None:
    for text in ("your-key-4711", "4711 4711", "key-4711"):
        for finding in found(stt={"api_key": text}, llm={"api_key": text}, livekit={"api_secret": text}):
            assert "4711" not in finding.sentence + finding.remedy
