"""Settings that cannot both be meant stop the start, with one sentence each."""

import pytest

from tests.config.conftest import Load, Refuse

CONTRADICTIONS = [
    (
        {"fleet.watch": "true", "livekit.url": "wss://mine.livekit.cloud"},
        "fleet.watch is on, and livekit.url is a LiveKit Cloud project, which sends agents again by itself; "
        "remove fleet.watch.",
    ),
    (
        {"stt.model": "universal-streaming-english", "stt.language_codes": "en"},
        "stt.language_codes works with Universal-3 models only, and stt.model is universal-streaming-english; "
        "remove it, or choose universal-3-5-pro.",
    ),
    (
        {"stt.model": "universal-streaming-multilingual", "stt.forward_chat_context": "true"},
        "stt.forward_chat_context works with Universal-3 models only, and stt.model is "
        "universal-streaming-multilingual; remove it, or choose universal-3-5-pro.",
    ),
    (
        {"stt.end_of_turn_confidence": "0.7"},
        "stt.end_of_turn_confidence has no effect on universal-3-5-pro, which ends turns by punctuation; "
        "remove it, or choose universal-streaming-english.",
    ),
    (
        {"stt.format_turns": "false"},
        "stt.format_turns cannot be switched off on universal-3-5-pro, which always formats; "
        "remove it, or choose universal-streaming-english.",
    ),
    (
        {"turns.min_turn_silence": "1001"},
        "turns.min_turn_silence (1001 ms) is longer than turns.max_turn_silence (1000 ms); "
        "lower the first or raise the second.",
    ),
    (
        {"llm.options": '{"model": "x"}'},
        "llm.options are given but no llm.plugin takes them; name the plugin or remove them.",
    ),
    (
        {"tts.plugin": "vendor.voice:TTS", "tts.voice": "echo"},
        "tts.voice is not used when tts.plugin is set; move it to tts.options, under the name that the plugin "
        "gives it.",
    ),
    (
        {"agent.session_host": "true"},
        "agent.session_host would let every participant read the system prompt and the conversation, and the "
        "profile is production; remove it, or use the development profile.",
    ),
    (
        {"storage.journal_dir": "transcripts"},
        "storage.url and storage.journal_dir name the same directory; give the journals one of their own.",
    ),
    (
        {"storage.endpoint": "https://minio.example.org:9000"},
        "storage.endpoint is given, and storage.url does not begin with s3://, gs://, az://; remove the first or "
        "correct the second.",
    ),
    (
        {"storage.url": "gs://calls", "storage.region": "eu-central-1"},
        "storage.region is given, and storage.url does not begin with s3://; remove the first or correct the second.",
    ),
    (
        {"storage.url": "s3://calls", "storage.endpoint": "http://minio.example.org:9000"},
        "storage.endpoint begins with http://, so that everyone on the way could read the transcripts; write "
        "https://, or set storage.allow_http where that is meant.",
    ),
    (
        {"fleet.job_memory_limit_mb": "800"},
        "fleet.job_memory_warn_mb (1000) is not below fleet.job_memory_limit_mb (800), so that nobody would be "
        "warned; lower the first or raise the second.",
    ),
    (
        {"fleet.grace_period": "600"},
        "fleet.grace_period is 600 seconds, and with these settings a worker may take 870 to stop; have the "
        "platform wait 870, or lower fleet.drain_timeout to 330.",
    ),
    (
        {"fleet.grace_period": "30"},
        "fleet.grace_period is 30 seconds, and with these settings a worker may take 870 to stop; have the "
        "platform wait 870, or lower fleet.drain_timeout, fleet.handover_timeout, fleet.session_end_timeout and "
        "fleet.shutdown_process_timeout.",
    ),
]


@pytest.mark.parametrize(("overrides", "sentence"), CONTRADICTIONS)
def test_a_contradiction_is_named_with_its_remedy(refuse: Refuse, overrides: dict[str, str], sentence: str) -> None:
    assert refuse(overrides=overrides) == (sentence,)


@pytest.mark.parametrize(
    "overrides",
    [
        {"stt.model": "universal-streaming-english", "stt.end_of_turn_confidence": "0.7"},
        {"stt.model": "universal-streaming-english", "stt.format_turns": "false"},
        {"stt.model": "u3-rt-pro", "stt.language_codes": "en,es", "stt.forward_chat_context": "true"},
        {"turns.min_turn_silence": "1000"},
        {"llm.plugin": "vendor.model:LLM", "llm.options": '{"model": "x"}'},
        {"fleet.job_memory_limit_mb": "2000"},
        {"storage.url": "s3://calls/eu", "storage.endpoint": "http://127.0.0.1:9000", "storage.region": "eu-west-1"},
        {"storage.url": "s3://calls", "storage.endpoint": "http://minio:9000", "storage.allow_http": "true"},
        {"storage.url": "az://calls", "storage.endpoint": "https://blobs.example.org"},
    ],
)
def test_settings_that_fit_together_are_accepted(read: Load, overrides: dict[str, str]) -> None:
    read(overrides=overrides)


def test_a_setting_that_is_itself_wrong_is_not_called_a_contradiction_too(refuse: Refuse) -> None:
    assert refuse(overrides={"turns.min_turn_silence": "2000", "turns.max_turn_silence": "long"}) == (
        "turns.max_turn_silence must be a whole number from 0 to 60000 (command line).",
    )


def test_an_openai_address_for_the_voice_does_not_contradict_a_plugin_for_the_model(read: Load) -> None:
    read(environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, overrides={"llm.plugin": "vendor.model:LLM"})


CLOUD = {"LIVEKIT_URL": "wss://shop-a1b2.livekit.cloud"}


def test_the_development_profile_refuses_a_cloud_project_of_which_nothing_is_stated(refuse: Refuse) -> None:
    assert refuse(environ=CLOUD, profile="development") == (
        "livekit.url is a LiveKit Cloud project, and the development profile would answer every room of it; set "
        "livekit.project (VERBATIM_LIVEKIT__PROJECT) to development if no real callers come there, or use the "
        "production profile.",
    )


def test_the_development_profile_refuses_a_production_project_wherever_it_is(refuse: Refuse) -> None:
    environ = {"LIVEKIT_URL": "wss://calls.example.org", "VERBATIM_LIVEKIT__PROJECT": "production"}

    assert refuse(environ=environ, profile="development") == (
        "livekit.project says that livekit.url is a production project, and the development profile is in force; "
        "use a project of its own for development, so that no real caller meets it.",
    )


@pytest.mark.parametrize(
    "sources",
    [
        {"environ": CLOUD},
        {"environ": {**CLOUD, "VERBATIM_LIVEKIT__PROJECT": "development"}, "profile": "development"},
        {"environ": {"LIVEKIT_URL": "ws://127.0.0.1:7880"}, "profile": "development"},
        {"environ": {"LIVEKIT_URL": "wss://notlivekit.cloud"}, "profile": "development"},
    ],
)
def test_other_projects_are_accepted(read: Load, sources: dict[str, object]) -> None:
    read(**sources)
