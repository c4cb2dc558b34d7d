"""Writes what people read about the settings from the settings' own documentation.

`python -m config.documents` writes them into the working directory.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from config.loaded import as_text
from config.names import CONFIG_FILE, PROFILE, SHARED_NAMES, own_name
from config.platforms import stopping_reference
from config.profiles import PROFILES
from config.sentences import expectation
from config.settings import KEYS, Key, Settings
from config.table import NOT_SET, in_words

REQUIRED = {
    "LIVEKIT_URL": "Address of the LiveKit server, such as wss://my-project.livekit.cloud or ws://127.0.0.1:7880.",
    "LIVEKIT_API_KEY": "API key of that server or LiveKit Cloud project (Settings, Keys).",
    "LIVEKIT_API_SECRET": "Secret that belongs to the LiveKit API key. It never leaves the server side.",
    "ASSEMBLYAI_API_KEY": "AssemblyAI API key (dashboard, API Keys): speech to text and turn detection.",
    "OPENAI_API_KEY": "OpenAI API key: language model and voice. Not needed with plugins for both.",
}
"""What a worker with the default providers needs, by variable."""

WIDTH = 100

SOURCES = """\
Sources, strongest first: command line, environment, `.env`, the YAML file (`--config`, `VERBATIM_CONFIG`,
else `verbatim.yaml` in the working directory), the profile (`--profile`, `VERBATIM_PROFILE`, else
`development` for `verbatim dev` and `production` for everything else), what follows from another setting (the
silences of `turns.preset`, the address of `stt.region`), defaults. `verbatim config` shows each value with its source.

In YAML the part before the dot is a heading and the part after it a line below it:

```yaml
agent:
  name: reception
stt:
  keyterms: [Verbatim, LiveKit]
```

A variable without a value counts as not set, except where an empty text has a meaning of its own. Lists are
written with commas between the entries or as JSON, mappings as JSON. Secrets are not taken from the command
line. Unknown names are refused, so that a misspelled one is noticed.
"""


def environment_example() -> str:
    """Return the content of `.env.example`: what is required first, everything else commented out."""
    lines = [
        "# Settings of the worker. Copy this file to .env, which stays out of version control, and fill in",
        "# the first five. The rest has defaults, commented out here. `verbatim config` shows what is in",
        "# force and where it comes from.",
        "# Lists are written with commas between the entries, mappings as JSON. ${…} is not replaced.",
        "",
        "# --- required " + "-" * 60,
    ]
    for name, text in REQUIRED.items():
        lines += ["", *_comment(f"{text} [{', '.join(SHARED_NAMES[name])}]"), f"{name}="]
    lines += ["", "# --- which settings " + "-" * 54, ""]
    lines += [
        *_comment(f"Profile: {', '.join(PROFILES)}. Default: what the command needs."),
        f"# {PROFILE}=",
        "",
    ]
    lines += [
        *_comment("YAML file with settings. Default: verbatim.yaml, if it is there."),
        f"# {CONFIG_FILE}=",
    ]
    for section, keys in _by_section():
        lines += ["", f"# --- {section} ".ljust(75, "-")]
        for key in keys:
            lines += ["", *_entry(key)]
    return "\n".join(lines) + "\n"


def _entry(key: Key) -> list[str]:
    shared = "".join(f"{name}, else " for name, keys in SHARED_NAMES.items() if key.path in keys)
    description = key.description.replace("`", "")
    about = f"{key.path}: {description} Default: {shared}{in_words(key.default).removesuffix('.')}."
    return [*_comment(about), f"# {own_name(key.path)}={_quoted(_assigned(key))}"]


def _assigned(key: Key) -> str:
    if isinstance(key.default, tuple):
        return ",".join(key.default)
    return as_text(key.default) if key.default != {} else ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _quoted(text: str) -> str:
    if not any(character in text for character in " #'\"\\"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def settings_reference() -> str:
    """Return the content of `docs/reference/settings.md`."""
    parts = [
        "# Settings",
        "This page is made from the settings' own documentation by `python -m config.documents`.",
        SOURCES.strip(),
        _profiles(),
    ]
    for section, keys in _by_section():
        parts += [f"## {section}", " ".join((keys[0].owner.__doc__ or "").split())]
        parts += [part for key in keys for part in (f"### `{key.path}`", key.description, _facts(key))]
    return "\n\n".join(parts) + "\n"


def _profiles() -> str:
    rows = [
        f"| `{key}` | `{as_text(KEYS[key].default)}` | `{as_text(value)}` |"
        for key, value in PROFILES["development"].items()
    ]
    head = "The development profile differs from the production profile in these defaults:"
    return "\n".join([head, "", "| Setting | production | development |", "| --- | --- | --- |", *rows])


def _facts(key: Key) -> str:
    names = [name for name, keys in SHARED_NAMES.items() if key.path in keys]
    default = in_words(key.default)
    facts = [
        f"Accepts: {expectation(key)}",
        f"Default: {default if default in (NOT_SET, 'none') else f'`{default}`'}",
        "Environment: " + ", ".join(f"`{name}`" for name in (*names, own_name(key.path))),
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def _by_section() -> Iterator[tuple[str, list[Key]]]:
    for section in Settings.model_fields:
        yield section, [key for key in KEYS.values() if key.section == section]


def write(directory: Path) -> None:
    """Write the documents.

    Args:
        directory: The project's root.
    """
    (directory / ".env.example").write_text(environment_example(), encoding="utf-8")
    reference = directory / "docs" / "reference"
    reference.mkdir(parents=True, exist_ok=True)
    (reference / "settings.md").write_text(settings_reference(), encoding="utf-8")
    (reference / "stopping.md").write_text(stopping_reference(), encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
