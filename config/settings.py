"""All settings together, and the list of their keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.sections.agent import AgentSettings
from config.sections.base import Section
from config.sections.fleet import FleetSettings
from config.sections.livekit import LiveKitSettings
from config.sections.llm import LlmSettings
from config.sections.privacy import PrivacySettings
from config.sections.storage import StorageSettings
from config.sections.stt import SttSettings
from config.sections.telemetry import TelemetrySettings
from config.sections.transcript import TranscriptSettings
from config.sections.tts import TtsSettings
from config.sections.turns import TurnsSettings
from config.values import MAY_BE_EMPTY


class Settings(BaseSettings):
    """Everything an operator may set. `Settings()` holds the defaults; `config.load` fills in the rest."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    livekit: LiveKitSettings = LiveKitSettings()
    agent: AgentSettings = AgentSettings()
    stt: SttSettings = SttSettings()
    turns: TurnsSettings = TurnsSettings()
    llm: LlmSettings = LlmSettings()
    tts: TtsSettings = TtsSettings()
    transcript: TranscriptSettings = TranscriptSettings()
    storage: StorageSettings = StorageSettings()
    fleet: FleetSettings = FleetSettings()
    privacy: PrivacySettings = PrivacySettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the arguments only: `config.load` reads the sources, and notes which one won."""
        return (init_settings,)

    def value(self, key: str) -> Any:
        """Return the value of a key such as `stt.model`."""
        definition = KEYS[key]
        return getattr(getattr(self, definition.section), definition.attribute)

    def located(self, directory: Path) -> "Settings":
        """Return the same settings with absolute paths.

        Args:
            directory: What relative paths start from, itself absolute.
        """
        return self.model_copy(
            update={"storage": self.storage.located(directory), "fleet": self.fleet.located(directory)}
        )


@dataclass(frozen=True, slots=True)
class Key:
    """One setting's place and definition.

    Attributes:
        section: Name of its section, `stt`.
        name: Its name within the section, `model`.
        attribute: The Python attribute, which differs where the name is a keyword of the language.
        owner: Class of the section.
        field: Type, default and documentation.
    """

    section: str
    name: str
    attribute: str
    owner: type[Section]
    field: FieldInfo

    @property
    def path(self) -> str:
        """The whole key, `stt.model`."""
        return f"{self.section}.{self.name}"

    @property
    def is_secret(self) -> bool:
        """Whether the value is shown nowhere."""
        return _mentions(self.field.annotation, SecretStr)

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty text is a value of its own, and not the same as nothing."""
        return MAY_BE_EMPTY in self.field.metadata

    @property
    def default(self) -> Any:
        """The value that holds when nothing sets another."""
        return self.field.get_default(call_default_factory=True)

    @property
    def description(self) -> str:
        """The documentation on one line."""
        return " ".join((self.field.description or "").split())


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in get_args(annotation))


def _keys() -> Iterator[Key]:
    for section, section_field in Settings.model_fields.items():
        owner = section_field.annotation
        assert isinstance(owner, type)
        assert issubclass(owner, Section)
        for attribute, field in owner.model_fields.items():
            yield Key(section, field.alias or attribute, attribute, owner, field)


KEYS: dict[str, Key] = {key.path: key for key in _keys()}
"""Every setting by its key, in the order in which they are shown."""
