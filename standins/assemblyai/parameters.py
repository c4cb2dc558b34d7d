"""What a client may ask for: the connection's query and `UpdateConfiguration`.

Source: AssemblyAI streaming API v3, connection parameters, turn detection and modes. Names that are not
listed here are ignored, like those that the service does not know.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

UNIVERSAL_STREAMING = ("universal-streaming-english", "universal-streaming-multilingual")
UNIVERSAL_3 = ("u3-rt-pro", "u3-rt-pro-beta-1", "universal-3-5-pro", "universal-3-6-pro")
# Both are deprecated names that the service still takes.
_RENAMED = {"u3-pro": "u3-rt-pro", "universal-3-6": "universal-3-6-pro"}
DEFAULT_MODEL = "universal-3-5-pro"

# Silences in milliseconds where the client names none: Universal-Streaming, and the Universal-3 modes.
UNIVERSAL_STREAMING_SILENCES = (400, 1280)
MODE_SILENCES = {"min_latency": (128, 1536), "balanced": (128, 1536), "max_accuracy": (128, 1536)}
SPEAKER_LABEL_SILENCES = (640, 768)
MODE_INTERRUPTION_DELAYS = {"min_latency": 0, "balanced": 500, "max_accuracy": 500}

CONTEXT_CHARACTERS = 1750
KEYTERMS, KEYTERM_CHARACTERS = 100, 50

Family = Literal["universal-streaming", "universal-3"]
Mode = Literal["min_latency", "balanced", "max_accuracy"]


class ParameterError(ValueError):
    """A parameter that the service refuses; the sentence names it."""


def _json_list(value: Any) -> Any:
    """Lists come as JSON in a query, and as they are in `UpdateConfiguration`."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


Keyterm = Annotated[str, Field(max_length=KEYTERM_CHARACTERS)]
Milliseconds = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Context = Annotated[str, Field(max_length=CONTEXT_CHARACTERS)]


class Changeable(BaseModel):
    """The parameters that may also be changed while a session is open. None means the model's default."""

    model_config = ConfigDict(extra="ignore")

    min_turn_silence: Milliseconds | None = None
    max_turn_silence: Milliseconds | None = None
    end_of_turn_confidence_threshold: Share | None = None
    format_turns: bool | None = None
    continuous_partials: bool | None = None
    interruption_delay: Annotated[int, Field(ge=0, le=1000)] | None = None
    vad_threshold: Share | None = None
    mode: Mode | None = None
    keyterms_prompt: Annotated[list[Keyterm], BeforeValidator(_json_list), Field(max_length=KEYTERMS)] | None = None
    language_codes: Annotated[list[str], BeforeValidator(_json_list), Field(max_length=10)] | None = None
    prompt: Context | None = None
    agent_context: Context | None = None


class Parameters(Changeable):
    """All parameters of a connection."""

    sample_rate: Annotated[int, Field(ge=8000, le=48_000)] = 16_000
    encoding: Literal["pcm_s16le", "pcm_mulaw"] = "pcm_s16le"
    speech_model: str = DEFAULT_MODEL
    language_detection: bool = False
    speaker_labels: bool = False
    max_speakers: Annotated[int, Field(ge=1, le=10)] | None = None
    include_partial_turns: bool = True
    inactivity_timeout: Annotated[int, Field(ge=5, le=3600)] | None = None
    previous_context_n_turns: Annotated[int, Field(ge=0, le=100)] | None = None

    @property
    def family(self) -> Family:
        """Which of the two ways to end a turn the model has."""
        return "universal-streaming" if self.speech_model in UNIVERSAL_STREAMING else "universal-3"

    def changed(self, update: Changeable) -> "Parameters":
        """These parameters after an `UpdateConfiguration`; what it does not name stays."""
        return self.model_copy(update=update.model_dump(exclude_none=True))

    def silences(self) -> tuple[int, int]:
        """`min_turn_silence` and `max_turn_silence` in milliseconds: the client's, else the model's."""
        if self.family == "universal-streaming":
            default = UNIVERSAL_STREAMING_SILENCES
        elif self.speaker_labels:
            default = SPEAKER_LABEL_SILENCES
        else:
            default = MODE_SILENCES[self.mode or "balanced"]
        shortest = default[0] if self.min_turn_silence is None else self.min_turn_silence
        longest = default[1] if self.max_turn_silence is None else self.max_turn_silence
        return shortest, longest

    def first_partial_delay(self) -> int:
        """`interruption_delay` in milliseconds: the client's, else the mode's."""
        if self.interruption_delay is not None:
            return self.interruption_delay
        return MODE_INTERRUPTION_DELAYS[self.mode or "balanced"]


def read_query(query: Mapping[str, str]) -> Parameters:
    """The parameters of a connection.

    Raises:
        ParameterError: If one of them has a value that the service refuses.
    """
    values = dict(query)
    model = values.get("speech_model", DEFAULT_MODEL)
    values["speech_model"] = _RENAMED.get(model, model)
    # The old name of `min_turn_silence`.
    old = values.pop("min_end_of_turn_silence_when_confident", None)
    if old is not None:
        values.setdefault("min_turn_silence", old)
    if values["speech_model"] not in (*UNIVERSAL_STREAMING, *UNIVERSAL_3):
        raise ParameterError(f"Invalid speech_model: {model}")
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from None


def read_update(message: Mapping[str, Any]) -> Changeable:
    """The parameters of an `UpdateConfiguration` message.

    Raises:
        ParameterError: If one of them has a value that the service refuses.
    """
    try:
        return Changeable.model_validate(message)
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> ParameterError:
    first = error.errors()[0]
    return ParameterError(f"Invalid {'.'.join(map(str, first['loc']))}: {first['msg']}")
