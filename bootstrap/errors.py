"""What can go wrong while a checkout is prepared, each as one sentence with its remedy."""

from pathlib import Path


class SetupError(Exception):
    """The preparation cannot go on; the message is a sentence for the person at the terminal."""


class CommandError(SetupError):
    """A command of the preparation failed.

    Attributes:
        output: What the command wrote.
    """

    def __init__(self, title: str, output: str, log: Path) -> None:
        self.output = output
        super().__init__(diagnose(title, output, log))


# The first match counts: pip reports an unreachable registry and then, last, that the package does not exist.
SYMPTOMS = (
    (
        ("No space left on device", "no space left on device", "os error 28", "disk quota exceeded"),
        "the disk is full; make room (3 GB while the server is built) and run the same command again.",
    ),
    (
        ("x509:", "CERTIFICATE_VERIFY_FAILED", "invalid peer certificate", "UnknownIssuer"),
        "a certificate is not trusted here; name your organisation's certificates in SSL_CERT_FILE "
        "and run the same command again.",
    ),
    (
        (
            "dial tcp", "no such host", "i/o timeout", "proxyconnect", "Failed to establish a new connection",
            "error sending request", "dns error", "Could not connect", "Temporary failure in name resolution",
            "Network is unreachable", "onnection refused", "onnection timed out", "operation timed out",
            "Read timed out", "Cannot connect to proxy", "TLS handshake timeout",
        ),
        "the package registry cannot be reached; check the connection (and HTTPS_PROXY, if you need one) "
        "and run the same command again.",
    ),
    (
        ("signal: killed", "cannot allocate memory", "out of memory"),
        "there is too little memory; the build needs about 2 GB.",
    ),
    (
        ("lockfile at `uv.lock` needs to be updated", "lockfile at uv.lock needs to be updated"),
        "uv.lock does not fit pyproject.toml; run `make lock` and run the same command again.",
    ),
    (
        ("no wheels with a matching", "No matching distribution found"),
        "the registry has no package that fits this machine.",
    ),
)  # fmt: skip


def diagnose(title: str, output: str, log: Path) -> str:
    """Turns the output of a failed command into one sentence.

    Args:
        title: What was being done, as a noun phrase: "uv 0.13.9".
        output: What the command wrote.
        log: Where the whole output is kept.
    """
    for signs, remedy in SYMPTOMS:
        if any(sign in output for sign in signs):
            return f"{title}: {remedy} The whole output is in {log}."
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    return f"{title} failed: {last} The whole output is in {log}."
