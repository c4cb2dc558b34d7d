"""What can fail in a call, in plain sentences: the one list that journal, transcript, log and documentation quote.

A fault is found by its code, which says who failed and how: `llm.http_429`, `assemblyai.close_3008`,
`call.no_audio`. What is not listed has a sentence too (`fault`). `python -m worker.speech.catalogue` writes the
page for operators, `docs/reference/errors.md`.

Sources: AssemblyAI streaming API, "Session errors and closures"; OpenAI API reference, "Error codes".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from worker.transcript.events import ErrorRaised

AGAIN: Final = "The caller is asked to say it again."
ENDS: Final = "An apology and a goodbye; the room is closed."
NOTHING: Final = "Nothing, if it passes within seconds; then that the agent cannot hear for a moment."


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail.

    Attributes:
        code: Names it for ever, in journals and in alerts: `<who>.<how>`.
        sentence: What went wrong.
        remedy: What the operator does about it.
        fatal: Trying again is useless, so that the call ends; otherwise it goes on.
        heard: What the caller hears of it.
    """

    code: str
    sentence: str
    remedy: str
    fatal: bool
    heard: str

    @property
    def provider(self) -> str:
        """Who failed: the code's first part."""
        return self.code.partition(".")[0]

    @property
    def label(self) -> str:
        """The fault as a metric's label: the code without what Prometheus has a meaning for."""
        return self.code.replace(".", "_")

    @property
    def message(self) -> str:
        """Sentence and remedy, as a transcript tells them."""
        return f"{self.sentence} {self.remedy}"


SOURCES: Final[Mapping[str, str]] = {
    "assemblyai": "stt",
    "stt": "stt",
    "llm": "llm",
    "tts": "tts",
    "tools": "tools",
    "agent": "agent",
    "livekit": "room",
    "call": "session",
}
"""What an `error` event names as its source, by provider."""

PROVIDERS: Final[Mapping[str, str]] = {
    "assemblyai": "AssemblyAI streaming",
    "stt": "Speech recognition, whoever provides it",
    "llm": "Language model: OpenAI's or a compatible API, or a plugin",
    "tts": "Voice: OpenAI's or a compatible API, or a plugin",
    "tools": "Tools of other servers",
    "agent": "Your own agent",
    "livekit": "LiveKit",
    "call": "The call itself",
}
"""What the providers are called on the page."""

_ASSEMBLYAI = (
    Fault(
        "assemblyai.http_400",
        "AssemblyAI does not take the options of the session.",
        "Check stt.* and turns.* against stt.model.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_401",
        "AssemblyAI refuses the API key.",
        "Correct ASSEMBLYAI_API_KEY; a key of the EU region works there alone.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_402",
        "AssemblyAI's account has no balance left.",
        "Add credit in AssemblyAI's dashboard.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_403",
        "AssemblyAI does not allow this account streaming.",
        "Look at the account in AssemblyAI's dashboard, or ask their support.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_404",
        "AssemblyAI's streaming API is not at the address that is set.",
        "Correct stt.base_url.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_410",
        "The streaming API at the address that is set is the old one, which is gone.",
        "Set stt.base_url to wss://streaming.assemblyai.com.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_429",
        "AssemblyAI refuses more sessions for the moment.",
        "If it happens often, ask AssemblyAI for a higher limit of new streams a minute, or lower fleet.max_sessions.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_500",
        "AssemblyAI failed to open the session.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_503",
        "AssemblyAI is overloaded or under maintenance.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_408",
        "AssemblyAI waited too long for the connection.",
        "It is tried again; look at the network if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_421",
        "AssemblyAI's server does not serve the address that is set.",
        "It is tried again; check stt.base_url and the proxy.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_425",
        "AssemblyAI wants the connection later.",
        "It is tried again; nothing is to be done.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_501",
        "AssemblyAI does not offer what the session asks for.",
        "Check stt.* against stt.model, and stt.base_url.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.http_502",
        "AssemblyAI cannot be reached behind its own gateway.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_504",
        "AssemblyAI did not answer its own gateway in time.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.http_505",
        "The server at the address that is set does not speak this version of HTTP.",
        "Check stt.base_url and the proxy.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.close_1008",
        "AssemblyAI refuses the session: the key, the account or its balance.",
        "Check ASSEMBLYAI_API_KEY, and the account in AssemblyAI's dashboard.",
        True,
        ENDS,
    ),
    Fault(
        "assemblyai.too_many_sessions",
        "AssemblyAI has too many sessions of this account open at once.",
        "Lower fleet.max_sessions, or ask AssemblyAI for a higher limit.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_1009",
        "AssemblyAI received a message that is too large.",
        "It is opened again with shorter terms; shorten stt.keyterms and stt.prompt.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_1011",
        "AssemblyAI had an internal error.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_1012",
        "AssemblyAI restarts its service.",
        "It is opened again; nothing is to be done.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_1013",
        "AssemblyAI is overloaded and asks for patience.",
        "It is opened again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_3005",
        "AssemblyAI cancelled the session on its side.",
        "It is opened again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_3006",
        "AssemblyAI did not understand a message or an option.",
        "It is opened again without what was refused; check stt.* against stt.model.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.inactive",
        "AssemblyAI ended a session in which nothing was heard for long.",
        "Another is opened; nothing is to be done.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_3007",
        "AssemblyAI received the audio in pieces of the wrong size, or faster than real time.",
        "It is opened again; give the machine more CPU if it happens often.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_3008",
        "AssemblyAI's session reached its longest duration.",
        "Another is opened; nothing is to be done.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.close_3009",
        "AssemblyAI has too many sessions of this account open at once.",
        "Lower fleet.max_sessions, or ask AssemblyAI for a higher limit.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.closed",
        "The connection to AssemblyAI ended without a reason.",
        "It is opened again; look at the network and at status.assemblyai.com if it happens often.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.no_begin",
        "AssemblyAI took the connection and began no session.",
        "It is tried again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
    Fault(
        "assemblyai.silent",
        "AssemblyAI says nothing any more although the caller speaks.",
        "The session is opened again; look at status.assemblyai.com if it lasts.",
        False,
        NOTHING,
    ),
)

_NETWORK = (
    ("timeout", "did not answer in time", "It is asked again; look at the service's status page if it lasts."),
    ("refused", "refuses the connection", "Check the address in {base_url}, and whether the service runs."),
    ("dns", "cannot be found by its name", "Check the address in {base_url}, and the name servers of this machine."),
    (
        "certificate",
        "shows a certificate that is not trusted",
        "Check the address in {base_url}, this machine's clock and its certificates; a proxy may be in between.",
    ),
    ("cut", "broke off in the middle of its answer", "It is asked again; look at the network if it happens often."),
    ("network", "cannot be reached", "Check the network, the proxy and the address in {base_url}."),
)
"""How every service that is reached over a network may fail: code, the sentence's end, remedy."""

_CERTAINLY_WRONG = frozenset({"certificate"})

_OF_A_MODEL = (
    ("http_400", "does not take the request", "Check {section}.model and {section}.options.", False),
    ("http_401", "refuses the API key", "Correct {key}.", True),
    ("http_403", "does not allow this key, model or country", "Look at the account and its rights to the model.", True),
    ("http_404", "does not know the model", "Correct {section}.model, and the address in {section}.base_url.", True),
    ("http_413", "finds the request too large", "Shorten the agent's instructions or what its tools return.", True),
    ("http_422", "does not take the request", "Check {section}.model and {section}.options.", True),
    ("http_429", "refuses more requests for the moment", "Ask the provider for a higher rate limit.", False),
    ("quota", "has no quota left on this account", "Add credit, or raise the account's limit.", True),
    ("http_500", "had an internal error", "It is asked again; look at its status page if it lasts.", False),
    ("all_failed", "and all its fallbacks failed", "Look at the errors before it: each has its own.", False),
    ("http_503", "is overloaded", "It is asked again; add {section}.fallback_models if it happens often.", False),
)

_NAMES: Final[Mapping[str, str]] = {"stt": "Speech recognition", "llm": "The language model", "tts": "The voice"}

_KEYS: Final[Mapping[str, str]] = {
    "llm": "llm.api_key: OPENAI_API_KEY, and ASSEMBLYAI_API_KEY where llm.provider is gateway",
    "tts": "tts.api_key: OPENAI_API_KEY, and ASSEMBLYAI_API_KEY where tts.provider is assemblyai",
}
"""Which key a service takes."""

_OF_THE_LLM = (
    Fault(
        "llm.context_length",
        "The conversation has become longer than the language model can take.",
        "Choose a model with a longer context in llm.model, or lower llm.max_context_tokens.",
        True,
        ENDS,
    ),
    Fault(
        "llm.content_filter",
        "The language model's provider refuses to answer this conversation.",
        "Look at the provider's content policy and the agent's instructions.",
        False,
        AGAIN,
    ),
)

_OF_THE_TTS = (
    Fault(
        "tts.no_audio",
        "The voice gave no audio for a text.",
        "Check tts.model and tts.voice, and that the voice speaks the language of the answer.",
        False,
        AGAIN,
    ),
    Fault(
        "tts.stalled",
        "The voice fell silent in the middle of a sentence.",
        "It is asked again; look at the service's status page if it happens often.",
        False,
        AGAIN,
    ),
)

_OF_ASSEMBLYAI_S_VOICES = (
    Fault(
        "tts.close_1008",
        "AssemblyAI refuses its voice: the key, the account or its balance.",
        "Check ASSEMBLYAI_API_KEY (tts.api_key), and the account in AssemblyAI's dashboard.",
        True,
        ENDS,
    ),
    Fault(
        "tts.close_3006",
        "AssemblyAI's voice does not take an option or a text.",
        "Check tts.voice, tts.model and agent.language.",
        True,
        ENDS,
    ),
    Fault(
        "tts.close_3008",
        "AssemblyAI's voice reached the longest duration of a session.",
        "Another is opened; nothing is to be done.",
        False,
        AGAIN,
    ),
    Fault(
        "tts.close_3009",
        "AssemblyAI has too many sessions of its voices open for this account.",
        "Lower fleet.max_sessions, or ask AssemblyAI for a higher limit.",
        False,
        AGAIN,
    ),
    Fault(
        "tts.close_3012",
        "The voice that is set is gone from AssemblyAI.",
        "Correct tts.voice.",
        True,
        ENDS,
    ),
    Fault(
        "tts.close_3014",
        "The voice that is set is not one of the model's.",
        "Set tts.voice and tts.model to a pair.",
        True,
        ENDS,
    ),
)
"""Codes of its Error frames (livekit-plugins-assemblyai 1.8.9, `tts.py`, and the streaming API's own)."""

_OF_THE_CALL = (
    Fault(
        "call.no_answer",
        "No answer came in the time that a caller is made to wait.",
        "Look at llm and tts errors around it; raise agent.answer_deadline for a slow model.",
        False,
        AGAIN,
    ),
    Fault(
        "call.no_audio",
        "No audio came from the caller although the microphone is open.",
        "Look at the caller's network: UDP and TURN must reach the LiveKit server.",
        False,
        "That the agent cannot hear the caller; later a goodbye.",
    ),
    Fault(
        "call.not_recognised",
        "The caller spoke, or there was noise, and no words were recognised.",
        "Listen to the line; check stt.language_codes and stt.model if it was speech.",
        False,
        "That the agent cannot hear the caller.",
    ),
    Fault(
        "call.deaf",
        "Speech recognition stayed away for longer than a caller can be kept waiting.",
        "Look at the stt errors before it.",
        True,
        ENDS,
    ),
    Fault(
        "call.close_hung",
        "The session did not close in time; the transcript was stored without waiting for it.",
        "Look for a tool or a hook of the agent that does not end.",
        False,
        "Nothing.",
    ),
)

_OF_THE_TOOLS = (
    Fault(
        "tools.mcp_unreachable",
        "The tools of an MCP server could not be asked for, so that the agent did without them.",
        "Look at that server, agent.mcp_servers and agent.mcp_headers.",
        False,
        "That the agent cannot do what it needs them for.",
    ),
)

_OF_THE_AGENT = (
    Fault(
        "agent.state_not_kept",
        "What the agent gave as its state is not kept, so that a crash would lose it.",
        "Let its snapshot() return what JSON takes, at most 64 KiB of it, and raise nothing.",
        False,
        "Nothing, unless the worker dies.",
    ),
    Fault(
        "agent.state_not_restored",
        "The agent did not take back the state that it had before a crash, and went on without it.",
        "Let its restore() take whatever its snapshot() returned.",
        False,
        "That the agent has forgotten what it had noted; it still knows what was said.",
    ),
    Fault(
        "agent.cannot_come_back",
        "A crash would bring back agent.class in place of the agent that holds the call now.",
        "Make it a class at the top of a module, in the package of agent.class or imported by it, and give all of its "
        "parameters defaults.",
        False,
        "Nothing, unless the worker dies.",
    ),
    Fault(
        "agent.not_made_again",
        "The agent that held the call could not be made again after a crash, so that agent.class went on with it.",
        "Make it a class at the top of a module, in the package of agent.class or imported by it, and give all of its "
        "parameters defaults.",
        False,
        "The first agent, who knows what was said.",
    ),
)

_LIVEKIT = (
    Fault(
        "livekit.disconnected",
        "The connection to the room was lost and did not come back.",
        "Look at the LiveKit server and the network between it and this machine.",
        True,
        "Silence, until the client notices it.",
    ),
)


def _of_a_service(section: str) -> Iterator[Fault]:
    name = _NAMES[section]
    base_url = "stt.base_url" if section == "stt" else f"{section}.base_url"
    for how, ending, remedy in _NETWORK:
        fatal = how in _CERTAINLY_WRONG and section != "stt"  # the recogniser asks again for a while, whatever it was
        heard = ENDS if fatal else NOTHING if section == "stt" else AGAIN
        yield Fault(f"{section}.{how}", f"{name} {ending}.", remedy.format(base_url=base_url), fatal, heard)


def _of_a_model(section: str) -> Iterator[Fault]:
    for how, ending, remedy, fatal in _OF_A_MODEL:
        written = remedy.format(section=section, key=_KEYS[section])
        yield Fault(f"{section}.{how}", f"{_NAMES[section]} {ending}.", written, fatal, ENDS if fatal else AGAIN)
    yield from _of_a_service(section)


FAULTS: Final[tuple[Fault, ...]] = (
    *_ASSEMBLYAI,
    *_of_a_service("stt"),
    *_of_a_model("llm"),
    *_OF_THE_LLM,
    *_of_a_model("tts"),
    *_OF_THE_TTS,
    *_OF_ASSEMBLYAI_S_VOICES,
    *_OF_THE_TOOLS,
    *_OF_THE_AGENT,
    *_LIVEKIT,
    *_OF_THE_CALL,
)

CATALOGUE: Final[Mapping[str, Fault]] = {fault.code: fault for fault in FAULTS}
"""Every fault by its code."""


def fault(code: str) -> Fault:
    """Return the fault of this code; one that is not listed has the sentence of those that are like it."""
    if code in CATALOGUE:
        return CATALOGUE[code]
    provider, _, how = code.partition(".")
    kind, _, number = how.partition("_")
    name = _NAMES.get(provider, PROVIDERS.get(provider, provider))
    heard = NOTHING if SOURCES.get(provider) == "stt" else AGAIN
    if kind == "http" and number.isdecimal():
        like = CATALOGUE.get(f"{provider}.http_{'500' if int(number) >= 500 else '400'}")
        # Requests that a service takes as wrong are taken so again, but for those that ask for patience.
        if like is not None:
            fatal = like.fatal and number not in ("408", "425", "499")
            return Fault(code, f"{like.sentence[:-1]} (HTTP {number}).", like.remedy, fatal, like.heard)
    if kind == "close" and number.isdecimal():
        remedy = "It is opened again; report the code if it happens often."
        return Fault(code, f"{name} closed the connection with code {number}.", remedy, False, heard)
    remedy = "Look at the worker's log of that moment."
    return Fault(code, f"{name} failed in a way that is not known here.", remedy, False, heard)


def metric_code(code: str) -> str:
    """Return the label under which a code is counted: of those that are not listed there may be any number."""
    found = fault(code)
    if code in CATALOGUE:
        return found.label
    return f"{found.provider if found.provider in PROVIDERS else 'unknown'}_other"


def error_raised(code: str) -> ErrorRaised:
    """Return the journal's event for a fault."""
    found = fault(code)
    return ErrorRaised(
        source=SOURCES.get(found.provider, found.provider), code=code, message=found.message, fatal=found.fatal
    )


def page() -> str:
    """Return `docs/reference/errors.md`."""
    lines = [
        "# Errors",
        "",
        "What can fail in a call, and what is to be done. The code stands in the transcript (`errors`), in the",
        "journal (`error`) and in the log; dots become underscores in metrics. *Retried* means that the call goes",
        "on; *ends the call* that trying again would be useless.",
        "",
        "<!-- Made by `python -m worker.speech.catalogue`; change the catalogue, not this page. -->",
    ]
    for provider, name in PROVIDERS.items():
        lines += [
            "",
            f"## {name}",
            "",
            "| Code | What happened | Remedy | Then | The caller hears |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{each.code}` | {each.sentence} | {each.remedy} | {'ends the call' if each.fatal else 'retried'} "
            f"| {each.heard} |"
            for each in FAULTS
            if each.provider == provider
        ]
    lines += [
        "",
        "## Others",
        "",
        "A status or a close code that is not listed counts like the others of its kind: AssemblyAI's 400 to 499 end",
        "the call, everything else is retried. After `agent.failed_answers` answers in a row that failed, whatever the",
        "reason, the caller hears an apology and the call ends.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path("docs/reference/errors.md").write_text(page(), encoding="utf-8")
