"""Named ways to end a turn, each for one family of models.

Sources: AssemblyAI, turn detection of Universal-Streaming (aggressive, balanced, conservative with their thresholds);
turn detection and modes of the Universal-3 family (100/1000 as its API defaults; the modes' own silences; the profile
that replaces them under speaker labels).
"""

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["universal-3", "universal-streaming"]


@dataclass(frozen=True, slots=True)
class Preset:
    """What a name stands for.

    Attributes:
        min_turn_silence: Milliseconds after which the service checks whether the turn is over.
        max_turn_silence: Milliseconds after which it is over in any case.
        end_of_turn_confidence: How sure Universal-Streaming has to be; Universal-3 does not use it.
        is_mode: Whether the service knows the name too, as its `mode`, which also steers what is not set here.
    """

    min_turn_silence: int
    max_turn_silence: int
    end_of_turn_confidence: float = 0.4
    is_mode: bool = False


PRESETS: Final[dict[Family, dict[str, Preset]]] = {
    "universal-streaming": {
        "aggressive": Preset(160, 400),
        "balanced": Preset(400, 1280),
        "conservative": Preset(800, 3600, end_of_turn_confidence=0.7),
    },
    "universal-3": {
        "fast": Preset(100, 1000),
        "min_latency": Preset(128, 1536, is_mode=True),
        "balanced": Preset(128, 1536, is_mode=True),
        "max_accuracy": Preset(800, 1536, is_mode=True),
        "speakers": Preset(640, 768),
    },
}
"""Every preset by family and name."""

USUAL: Final[dict[Family, str]] = {"universal-streaming": "balanced", "universal-3": "fast"}
"""The preset of a family where none is named."""

USUAL_WITH_SPEAKERS: Final = "speakers"
"""The same for Universal-3 with `stt.speaker_labels`: telling voices apart takes longer pieces."""
