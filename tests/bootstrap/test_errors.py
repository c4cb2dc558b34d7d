"""What an installer or a compiler writes when it fails becomes one sentence with a remedy."""

from pathlib import Path

import pytest

from bootstrap.errors import diagnose

LOG = Path("/checkout/.tools/logs/uv.log")

PIP_OFFLINE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(": Failed to establish a new \
connection: [Errno -3] Temporary failure in name resolution")': /simple/uv/
ERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)
ERROR: No matching distribution found for uv==0.13.9
"""
GO_OFFLINE = "go: module lookup: Get: dial tcp: lookup proxy on 10.0.0.1:53: no such host\n"
GO_FULL = "/x/compile: writing output: write $WORK/b345/_pkg_.a: no space left on device\n"
GO_CERTIFICATE = "tls: failed to verify certificate: x509: certificate signed by unknown authority\n"
GO_MEMORY = "github.com/pion/webrtc/v4: /x/compile: signal: killed\n"
UV_LOCK = "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.\n"


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        (PIP_OFFLINE, "the package registry cannot be reached"),
        (GO_OFFLINE, "the package registry cannot be reached"),
        (GO_FULL, "the disk is full"),
        (GO_CERTIFICATE, "SSL_CERT_FILE"),
        (GO_MEMORY, "too little memory"),
        (UV_LOCK, "run `make lock`"),
    ],
)
def test_a_known_failure_is_named_with_its_remedy_and_its_log(output: str, remedy: str) -> None:
    sentence = diagnose("uv 0.13.9", output, LOG)
    assert sentence.startswith("uv 0.13.9: ")
    assert remedy in sentence
    assert sentence.endswith(f"The whole output is in {LOG}.")
    assert "\n" not in sentence


def test_an_unknown_failure_gives_the_last_thing_that_was_said() -> None:
    sentence = diagnose("Python packages", "first\nit broke here\n\n", LOG)
    assert sentence == f"Python packages failed: it broke here The whole output is in {LOG}."


def test_a_failure_without_a_word_says_so() -> None:
    assert diagnose("uv 0.13.9", "", LOG) == f"uv 0.13.9 failed: it said nothing The whole output is in {LOG}."
