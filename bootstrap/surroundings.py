"""The environment variables with which the commands of the preparation run."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

# Settings of a person's own work that would lead an installer or a compiler astray here. Proxies, mirrors and
# certificates stay.
FOREIGN = (
    "GOARCH", "GOBIN", "GOFLAGS", "GOOS", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_USER",
    "PYTHONHOME", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_TARGET", "VIRTUAL_ENV",
)  # fmt: skip


def for_commands(environ: Mapping[str, str], bundled_certificates: Path | None = None) -> dict[str, str]:
    """The person's environment, made fit for pip, uv and Go.

    Args:
        environ: The person's own variables.
        bundled_certificates: A file of root certificates to use where the system has none.
    """
    environment = {name: value for name, value in environ.items() if name not in FOREIGN}
    # One set of certificates for all three: pip's setting, else the system's, else those that pip has.
    if "SSL_CERT_FILE" not in environment:
        if "PIP_CERT" in environment:
            environment["SSL_CERT_FILE"] = environment["PIP_CERT"]
        elif bundled_certificates is not None and not _system_has_certificates():
            environment["SSL_CERT_FILE"] = str(bundled_certificates)
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    # Each is None when there is no such file or folder.
    return bool(paths.cafile) or any(any(os.scandir(folder)) for folder in [paths.capath] if folder)
