"""A working directory with settings files, and nothing of the machine's own environment."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config import Loaded, SettingsError, load

Load = Callable[..., Loaded]
Refuse = Callable[..., tuple[str, ...]]

KEYS_OF_A_WORKER = {
    "LIVEKIT_URL": "wss://calls.example.org",
    "LIVEKIT_API_KEY": "key-of-livekit",
    "LIVEKIT_API_SECRET": "secret-of-livekit",
    "ASSEMBLYAI_API_KEY": "key-of-assemblyai",
    "OPENAI_API_KEY": "key-of-openai",
}


@pytest.fixture
def keys_of_a_worker() -> dict[str, str]:
    return dict(KEYS_OF_A_WORKER)


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Load settings from texts: `read(environ={…}, dotenv="…", yaml="…", overrides={…})`."""

    def read(
        *, environ: Mapping[str, str] | None = None, dotenv: str | None = None, yaml: str | None = None, **more: object
    ) -> Loaded:
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        if yaml is not None:
            (tmp_path / "verbatim.yaml").write_text(yaml, encoding="utf-8")
        return load(environ=environ or {}, directory=tmp_path, **more)  # type: ignore[arg-type]

    return read


@pytest.fixture
def refuse(read: Load) -> Refuse:
    """Load settings that are wrong and return the sentences."""

    def refuse(**sources: object) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as caught:
            read(**sources)
        return caught.value.sentences

    return refuse
