"""Classes that a setting names as `package.module:Class`."""

import importlib
import sys
from pathlib import Path
from typing import Any

from worker.errors import Misconfigured


def load_class(setting: str, path: str, base: type) -> type[Any]:
    """Return the class that `path` (`package.module:Class`) names.

    Modules are looked up as installed, and in the current directory, where people keep the agents
    that they write.

    Raises:
        Misconfigured: `path` is malformed, cannot be imported, or is no `base`. The sentence names
            `setting` and, for a LiveKit plugin that is missing, the command that installs it.
    """
    module_name, separator, class_name = path.partition(":")
    if not separator or not module_name or not class_name:
        raise Misconfigured(f"{setting} is {path!r}; write it as package.module:Class.")
    here = str(Path.cwd())
    if here not in sys.path:
        # Last: a file of the operator's must not stand in for a library's module of the same name.
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if not (module_name == missing or module_name.startswith(missing + ".")):
            raise Misconfigured(
                f"{setting} names {path}, whose module needs {missing}, which is not installed; "
                f"install it with: uv pip install {missing}"
            ) from None
        raise Misconfigured(
            f"{setting} names {path}, but there is no module {missing}; {_install_hint(module_name)}"
        ) from None
    except (Exception, SystemExit) as error:  # a script without a main guard may end the process
        raise Misconfigured(
            f"{setting} names {path}, whose module cannot be imported "
            f"({type(error).__name__}: {error}); mend it or change the setting."
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise Misconfigured(f"{setting} names {path}, but {module_name} has no {class_name}.")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise Misconfigured(f"{setting} names {path}, which is no subclass of {base.__module__}.{base.__qualname__}.")
    return found


def _install_hint(module_name: str) -> str:
    prefix = "livekit.plugins."
    if module_name.startswith(prefix):
        plugin = module_name.removeprefix(prefix).partition(".")[0].replace("_", "-")
        return f"install it with: uv pip install livekit-plugins-{plugin}"
    return "check the spelling, or start the command in the directory that holds it."
