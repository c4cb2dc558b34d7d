"""What is wrong is said in one plain sentence each, all at once, and never quotes what was given."""

from pathlib import Path

import pytest

from config import SettingsError, load
from tests.config.conftest import Load, Refuse


def test_everything_that_is_wrong_is_said_at_once(refuse: Refuse) -> None:
    sentences = refuse(
        overrides={"agent.nam": "x"},
        environ={
            "VERBATIM_STT_MODEL": "universal-3-5-pro",
            "VERBATIM_LLM__TEMPERATURE": "warm",
            "VERBATIM_TURNS__MIN_TURN_SILENCE": "2000",
        },
        dotenv="VERBATIM_TTS__VOISE=ash\nnot a line\n",
        yaml="fleet:\n  max_sessions: 0\nlatency:\n  effort: fastest\n",
        command="start",
    )

    assert sentences == (
        '"agent.nam" (command line) is no setting; did you mean "agent.name"?',
        'VERBATIM_STT_MODEL (environment) is no setting; did you mean "VERBATIM_STT__MODEL"?',
        ".env line 2 is not NAME=value; correct it or begin it with #.",
        'VERBATIM_TTS__VOISE (.env line 1) is no setting; did you mean "VERBATIM_TTS__VOICE"?',
        '"latency" (verbatim.yaml line 3) is no setting; remove it.',
        "llm.temperature must be a number from 0 to 2 (environment VERBATIM_LLM__TEMPERATURE).",
        "fleet.max_sessions must be a whole number from 1 to 1000 (verbatim.yaml line 2).",
        "turns.min_turn_silence (2000 ms) is longer than turns.max_turn_silence (1000 ms); "
        "lower the first or raise the second.",
        "LIVEKIT_URL is not set; put the address of your LiveKit server or LiveKit Cloud project into .env or "
        "the environment.",
        "LIVEKIT_API_KEY is not set; put the API key of your LiveKit server or project into .env or the environment.",
        "LIVEKIT_API_SECRET is not set; put the secret that belongs to the LiveKit API key into .env or the "
        "environment.",
        "ASSEMBLYAI_API_KEY is not set; put the API key of your AssemblyAI account into .env or the environment.",
        "OPENAI_API_KEY is not set; put the API key of your OpenAI account into .env or the environment.",
    )


NO_KEYS_IN_ADDRESSES = "keys have settings of their own"
NO_STORE = "must begin with file://, s3://, gs:// or az://, such as file:///var/lib/verbatim/transcripts"
NO_KEYS_IN_BUCKETS = "must not contain keys or a server; keys come from the environment, a server from storage.endpoint"
WRONG_PREFIX = "has a prefix that is not at most 250 plain letters, digits and -_.=, its parts between single slashes"

WRONG_VALUES = [
    (
        "agent.name",
        "two words",
        "must be 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit",
    ),
    ("agent.dispatch", "all", "must be one of named, every_room"),
    ("agent.class", "shop.agents.Clerk", "must be written package.module:Class"),
    ("agent.hang_up", "perhaps", "must be true or false"),
    ("livekit.url", "calls.example.org", "must begin with wss:// or ws:// and name a host"),
    ("livekit.url", "wss://calls.example.org:port", "is not an address; write wss:// or ws://host:port"),
    ("stt.base_url", "https://streaming.assemblyai.com", "must begin with wss:// or ws:// and name a host"),
    (
        "stt.encoding",
        "pcm_mulaw",
        "cannot be pcm_mulaw: LiveKit hands over 16-bit samples and they would only be labelled as µ-law; "
        "leave it at pcm_s16le",
    ),
    ("stt.encoding", "opus", "must be pcm_s16le"),
    ("stt.language_codes", "english", "must hold ISO 639-1 codes such as en, es or de"),
    ("stt.language_codes", ",".join(["en"] * 11), "has 11 codes and AssemblyAI takes 10; remove some or all"),
    ("stt.keyterms", ",".join(["term"] * 101), "has 101 terms and AssemblyAI takes 100; keep the most important ones"),
    ("stt.keyterms", "x" * 51, "has a term longer than 50 characters; shorten or drop it"),
    ("stt.keyterms", "[broken", 'must be a list: entries between commas, or a JSON array ["…", "…"]'),
    ("stt.vad_threshold", "1", "must be a number above 0 and below 1"),
    ("stt.vad_threshold", "nan", "must be a number above 0 and below 1"),
    ("stt.end_of_turn_confidence", "7", "must be a number from 0 to 1"),
    ("turns.mode", "manual", "must be one of stt, vad"),
    ("turns.max_turn_silence", "-1", "must be a whole number from 0 to 60000"),
    ("turns.max_turn_silence", "1.5", "must be a whole number from 0 to 60000"),
    ("llm.temperature", "inf", "must be a number from 0 to 2"),
    (
        "llm.base_url",
        "https://user:pass@example.org/v1",
        f"must not contain a user name or a password; {NO_KEYS_IN_ADDRESSES}",
    ),
    ("llm.base_url", "https://example.org/v1?key=abc", f"must end before '?' and '#'; {NO_KEYS_IN_ADDRESSES}"),
    ("llm.options", "model=x", 'must be a JSON object, {"name": value}'),
    ("llm.options", "[1]", 'must be a mapping of names to values, as text a JSON object, {"name": value}'),
    ("tts.voice", "", "must be a name of at most 200 characters"),
    ("transcript.formats", "md,txt", "must contain json, which every other form is made from"),
    ("transcript.formats", "json,pdf", "must be a list out of json, md, txt, srt, vtt"),
    ("storage.url", "ftp://bucket/calls", NO_STORE),
    ("storage.url", "/srv/calls", NO_STORE),
    ("storage.url", "s3://", "names no bucket; write s3://bucket/prefix"),
    ("storage.url", "gs:///calls", "names no bucket; write gs://bucket/prefix"),
    ("storage.url", "az://Calls", "names no bucket; write az://bucket/prefix"),
    ("storage.url", "s3://key:secret@bucket", NO_KEYS_IN_BUCKETS),
    ("storage.url", "s3://minio:9000/bucket", NO_KEYS_IN_BUCKETS),
    ("storage.url", "s3://bucket/a//b", WRONG_PREFIX),
    ("storage.url", "s3://bucket/../b", WRONG_PREFIX),
    ("storage.url", "s3://bucket/a?versionId=1", WRONG_PREFIX),
    ("storage.url", "s3://bucket/a%20b", WRONG_PREFIX),
    ("storage.endpoint", "s3://minio", "must begin with https:// or http:// and name a host"),
    ("storage.region", "Frankfurt, Germany", "must be a region's name, such as eu-central-1"),
    (
        "storage.url",
        "file://srv/calls",
        "names a host; write file:///directory for an absolute path, file://./directory otherwise",
    ),
    ("storage.url", "file:///", "names no directory; write file:///var/lib/verbatim/transcripts"),
    (
        "storage.url",
        "file:///srv/%00",
        "must not contain '?', '#' or control characters; write the first two as %3F and %23",
    ),
    ("storage.journal_dir", "", "must be a path"),
    ("storage.journal_dir", "~/journals", "must be written in full, for ~ is not replaced here"),
    ("fleet.health_host", "0.0.0.0:8081", "must be a host name or an address, without a port"),
    ("fleet.health_port", "65536", "must be a whole number from 0 to 65535"),
    ("fleet.drain_timeout", "0", "must be a number above 0 and not above 86400"),
    ("telemetry.log_level", "verbose", "must be one of debug, info, warning, error"),
]


@pytest.mark.parametrize(("key", "text", "complaint"), WRONG_VALUES)
def test_a_wrong_value_gets_one_sentence_that_says_what_it_must_be(
    refuse: Refuse, key: str, text: str, complaint: str
) -> None:
    assert refuse(overrides={key: text}) == (f"{key} {complaint} (command line).",)


def test_an_unknown_model_is_answered_with_the_models_that_there_are(refuse: Refuse) -> None:
    (sentence,) = refuse(overrides={"stt.model": "u3-pro"})

    assert sentence.startswith("stt.model must be one of universal-3-5-pro, universal-3-6-pro, ")
    assert "universal-streaming-english" in sentence


INVALID = "; check indentation, colons and quotes."
NO_LINES = 'must consist of lines "name: value", indented under its heading.'

UNUSABLE_YAML = [
    ("stt: [", f"verbatim.yaml is not valid YAML at line 1, column 7{INVALID}"),
    ("stt:\n  api_key: *sesame\n", f"verbatim.yaml is not valid YAML at line 2, column 12{INVALID}"),
    ("llm:\n  options: !!python/name:os.system ''\n", f"verbatim.yaml is not valid YAML at line 2, column 12{INVALID}"),
    ("llm:\n  options: &a [*a]\n", f"verbatim.yaml is not valid YAML at line 2, column 12{INVALID}"),
    ("llm:\n  options: &a {again: *a}\n", f"verbatim.yaml is not valid YAML at line 2, column 12{INVALID}"),
    ("tts:\n  voice: \x07\n", "verbatim.yaml is not valid YAML; check it for strange characters and values."),
    ("tts:\n  voice: 2026-99-99\n", "verbatim.yaml is not valid YAML; check it for strange characters and values."),
    ("- a\n- b\n", f"verbatim.yaml line 1: the file {NO_LINES}"),
    ("stt: universal\n", f'verbatim.yaml line 1: section "stt" {NO_LINES}'),
    ("stt: !!python/name:os.system\n", f'verbatim.yaml line 1: section "stt" {NO_LINES}'),
    ("? [a]\n: b\n", "verbatim.yaml line 1: a name must be a single word."),
    (
        "stt.model: u3-rt-pro\n",
        '"stt.model" (verbatim.yaml line 1) is no setting; write "stt:" and below it, indented, "model: …".',
    ),
    (
        "tts:\n  voice: ash\n  voice: echo\n",
        "tts.voice is set twice, in verbatim.yaml line 2 and again in verbatim.yaml line 3.",
    ),
    (
        "tts:\n  voice: 7\n",
        "tts.voice must be a name of at most 200 characters (verbatim.yaml line 2); write texts between quotes.",
    ),
    (
        "stt:\n  language_codes: [no]\n",
        "stt.language_codes must be a list of texts (verbatim.yaml line 2); write texts between quotes.",
    ),
    ("fleet:\n  max_sessions: yes\n", "fleet.max_sessions must be a number, not yes or no (verbatim.yaml line 2)."),
    ("fleet:\n  drain_timeout: on\n", "fleet.drain_timeout must be a number, not yes or no (verbatim.yaml line 2)."),
    (
        'tts:\n  voice: "\\0"\n',
        "tts.voice contains a character that is no text; write it again as UTF-8 (verbatim.yaml line 2).",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), UNUSABLE_YAML)
def test_a_yaml_file_that_cannot_be_used_gets_one_sentence_with_the_line(
    refuse: Refuse, text: str, sentence: str
) -> None:
    assert refuse(yaml=text) == (sentence,)


def test_a_file_that_was_named_must_be_there(refuse: Refuse) -> None:
    assert refuse(config_file="missing.yaml") == (
        "missing.yaml cannot be read (No such file or directory); name a readable file.",
    )


@pytest.mark.parametrize("name", [".env", "verbatim.yaml"])
def test_a_directory_in_place_of_a_file_is_named(refuse: Refuse, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    (sentence,) = refuse()

    assert sentence.startswith(f"{name} cannot be read (Is a directory); ")


@pytest.mark.parametrize("name", [".env", "verbatim.yaml"])
def test_a_file_that_is_not_utf_8_is_named(refuse: Refuse, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("VERBATIM_TTS__VOICE=é".encode("latin-1"))

    assert refuse() == (f"{name} is not UTF-8 text; save it again as UTF-8.",)


def test_a_byte_order_mark_does_no_harm(read: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfLIVEKIT_URL=ws://127.0.0.1:1\r\nVERBATIM_TTS__VOICE=echo\r\n")

    settings = read().settings

    assert (settings.livekit.url, settings.tts.voice) == ("ws://127.0.0.1:1", "echo")


def test_an_unknown_profile_gets_one_sentence(refuse: Refuse) -> None:
    assert refuse(profile="developement") == ('There is no profile "developement"; did you mean "development"?',)
    assert refuse(profile="night") == ('There is no profile "night"; choose one of production, development.',)


def test_a_secret_on_the_command_line_is_refused(refuse: Refuse) -> None:
    assert refuse(overrides={"stt.api_key": "sesame"}) == (
        "stt.api_key must not be given on the command line, where every user of the machine can read it; "
        "put ASSEMBLYAI_API_KEY into .env or the environment.",
    )


def test_variables_that_kubernetes_makes_for_services_are_no_settings(read: Load) -> None:
    links = {
        "VERBATIM_SERVICE_HOST": "10.0.0.1",
        "VERBATIM_SERVICE_PORT": "8081",
        "VERBATIM_SERVICE_PORT_HTTP": "8081",
        "VERBATIM_PORT": "tcp://10.0.0.1:8081",
        "VERBATIM_PORT_8081_TCP": "tcp://10.0.0.1:8081",
        "VERBATIM_PORT_8081_TCP_ADDR": "10.0.0.1",
        "VERBATIM_WATCH_SERVICE_HOST": "10.0.0.2",
    }

    assert read(environ=links).rows() == read().rows()


def test_an_endless_or_many_lined_name_stays_one_short_sentence(refuse: Refuse) -> None:
    (sentence,) = refuse(environ={"VERBATIM_" + "A\n" * 5000: "x"})

    assert "\n" not in sentence
    assert len(sentence) < 250


def test_the_error_reads_as_its_sentences() -> None:
    error = SettingsError(["One.", "Two.", "One."])

    assert error.sentences == ("One.", "Two.")
    assert str(error) == "One.\nTwo."


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VERBATIM_TTS__VOICE", "echo")
    monkeypatch.chdir(tmp_path)

    assert load().settings.tts.voice == "echo"
