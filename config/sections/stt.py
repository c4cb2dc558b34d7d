"""Speech to text: AssemblyAI streaming."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.regions import STREAMING, Region
from config.sections.base import Section
from config.turn_presets import Family
from config.values import Name, Secret, Texts, WebSocketUrl, described, wrong

UNIVERSAL_STREAMING_MODELS = ("universal-streaming-english", "universal-streaming-multilingual")
"""AssemblyAI streaming API: models that end a turn by confidence."""

UNIVERSAL_3_MODELS = ("universal-3-5-pro", "universal-3-6-pro", "u3-rt-pro", "u3-rt-pro-beta-1")
"""AssemblyAI streaming API: models that end a turn by punctuation."""

END_OF_TURN_CONFIDENCE = 0.4
"""AssemblyAI streaming API, turn detection: default threshold of the Universal-Streaming models."""

MOST_KEYTERMS = 100
"""AssemblyAI streaming API, `keyterms_prompt`: number of terms."""

LONGEST_KEYTERM = 50
"""AssemblyAI streaming API, `keyterms_prompt`: characters of a term."""

MOST_LANGUAGE_CODES = 10
"""AssemblyAI streaming API, `language_codes`: number of codes."""

MOST_CONTEXT_CHARACTERS = 1750
"""AssemblyAI streaming API, `prompt`: characters."""

_KNOWN_MODELS = UNIVERSAL_3_MODELS + UNIVERSAL_STREAMING_MODELS
_MODEL = "one of " + ", ".join(_KNOWN_MODELS)


def family_of(model: str) -> Family:
    """Return the family of a model, which decides how a turn ends and which options exist."""
    return "universal-streaming" if model in UNIVERSAL_STREAMING_MODELS else "universal-3"


def _known_model(model: str) -> str:
    if model not in _KNOWN_MODELS:
        raise wrong(f"must be {_MODEL}")
    return model


def _keyterms(terms: tuple[str, ...]) -> tuple[str, ...]:
    if len(terms) > MOST_KEYTERMS:
        raise wrong(f"has {len(terms)} terms and AssemblyAI takes {MOST_KEYTERMS}; keep the most important ones")
    if any(len(term) > LONGEST_KEYTERM for term in terms):
        raise wrong(f"has a term longer than {LONGEST_KEYTERM} characters; shorten or drop it")
    if any(not term for term in terms):
        raise wrong("has an empty term; drop it")
    return terms


def _language_codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    if len(codes) > MOST_LANGUAGE_CODES:
        raise wrong(f"has {len(codes)} codes and AssemblyAI takes {MOST_LANGUAGE_CODES}; remove some or all")
    if not all(code.isascii() and code.isalpha() and len(code) in (2, 3) for code in codes):
        raise wrong("must hold ISO 639-1 codes such as en, es or de")
    return tuple(code.lower() for code in codes)


def _encoding_of_livekit(encoding: object) -> object:
    if encoding == "pcm_mulaw":
        raise wrong(
            "cannot be pcm_mulaw: LiveKit hands over 16-bit samples and they would only be labelled "
            "as µ-law; leave it at pcm_s16le"
        )
    return encoding


Seconds = Annotated[float, Field(ge=0, le=3600)]


class SttSettings(Section):
    """Speech to text: AssemblyAI streaming."""

    model: Annotated[Name, AfterValidator(_known_model), described(_MODEL)] = "universal-3-5-pro"
    """Streaming model. The Universal-3 family (`universal-3-5-pro`, `universal-3-6-pro`, `u3-rt-pro`,
    `u3-rt-pro-beta-1`) ends a turn by punctuation, Universal-Streaming (`universal-streaming-english`,
    `universal-streaming-multilingual`) by confidence."""

    api_key: Secret | None = None
    """AssemblyAI API key."""

    region: Region = "edge"
    """Where AssemblyAI works, for speech recognition, for its LLM Gateway and for its voices alike: `eu` or `us`
    keep all of it there; `edge` takes the nearest region for speech recognition and the US for the others."""

    base_url: WebSocketUrl = STREAMING["edge"]
    """Another address of the streaming API than the region's."""

    encoding: Annotated[Literal["pcm_s16le"], BeforeValidator(_encoding_of_livekit)] = "pcm_s16le"
    """Encoding of the audio on its way to AssemblyAI: 16-bit samples, as LiveKit hands them over."""

    language_codes: Annotated[Texts, AfterValidator(_language_codes)] = ()
    """Languages to expect, ISO 639-1 codes, at most 10; none: that of `agent.language`, or else the model finds
    out. Universal-3 only."""

    keyterms: Annotated[Texts, AfterValidator(_keyterms)] = ()
    """Names and terms to listen for, at most 100 of at most 50 characters each. AssemblyAI charges
    extra for them."""

    prompt: Annotated[str, Field(max_length=MOST_CONTEXT_CHARACTERS)] | None = None
    """What the recogniser is told about the calls, at most 1750 characters. Universal-3 only."""

    domain: Literal["medical-v1"] | None = None
    """The field that the calls are about: `medical-v1` for medicine, in English, Spanish, German and French."""

    format_turns: bool = True
    """Have finals punctuated and capitalised. Universal-3 always does; Universal-Streaming sends a second,
    formatted final, which costs about 50 ms."""

    end_of_turn_confidence: Annotated[float, Field(ge=0, le=1)] = END_OF_TURN_CONFIDENCE
    """How sure Universal-Streaming has to be that the caller has finished, 0 to 1; 1 leaves only silence to
    end a turn. Not set: what `turns.preset` says. The Universal-3 family does not use it."""

    vad_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Speech probability above which audio counts as speech, between 0 and 1. It is given to AssemblyAI and
    to the local voice activity detection alike, for a difference makes interruptions late."""

    gain_control: bool = False
    """Make quiet callers louder before they are recognised. Browsers and phone networks have done that already, and it
    makes noise, and the echo of the agent's own voice, as loud as a caller."""

    outage_notice: Seconds = 5
    """Seconds without speech recognition before the caller is told that they cannot be heard for a moment; 0: never."""

    outage_limit: Seconds = 60
    """Seconds without speech recognition before the call ends with an apology; 0: never."""

    not_recognised_notice: Seconds = 15
    """Seconds of sound like speech without a recognised word before the caller is told that they cannot be heard; 0:
    never."""

    continuous_partials: bool = True
    """Send the words so far about every second while the caller speaks, not only in their pauses. Universal-3
    only, and not with `stt.speaker_labels`."""

    interruption_delay: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Milliseconds of speech, 0 to 1000, before its first words are sent; not set: the model's own. Universal-3
    only."""

    speaker_labels: bool = False
    """Tell apart several people at one microphone. Each participant of a room has a track and a name anyway."""

    max_speakers: Annotated[int, Field(ge=1, le=10)] | None = None
    """How many people there are at most at one microphone, 1 to 10. Only with `stt.speaker_labels`."""

    voice_focus: Literal["near-field", "far-field"] | None = None
    """Suppress what is not the caller's voice: `near-field` for handsets and headsets, `far-field` for
    conference rooms. Universal-3 only."""

    voice_focus_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much is suppressed, 0 to 1. Only with `stt.voice_focus`."""

    previous_context_turns: Annotated[int, Field(ge=0, le=100)] | None = None
    """How many of the caller's earlier turns AssemblyAI keeps in mind, 0 to 100; not set: the model's own number.
    Universal-3 only."""

    replay_seconds: Annotated[float, Field(ge=0, le=60)] = 10.0
    """Seconds of the caller's speech, 0 to 60, that are kept while AssemblyAI cannot be reached, and recognised
    when it is back. What is said beyond them is a gap in the transcript."""

    forward_chat_context: bool = False
    """Send the agent's replies to AssemblyAI as context for recognition. Universal-3 only."""

    @property
    def family(self) -> Family:
        """The model's family, which decides how a turn ends and which options exist."""
        return family_of(self.model)
