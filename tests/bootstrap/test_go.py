"""Which Go builds the server."""

import pytest

from bootstrap import go


@pytest.mark.parametrize(
    ("line", "usable"),
    [
        ("go version go1.26.6 linux/amd64\n", True),
        ("go version go1.27rc1 darwin/arm64\n", True),
        ("go version go2.0 linux/amd64\n", True),
        ("go version go1.25.9 linux/amd64\n", False),
        ("go version go1.3 linux/amd64\n", False),
        ("", False),
    ],
)
def test_a_go_is_used_when_it_is_as_new_as_the_server_asks_for(line: str, usable: bool) -> None:
    assert go.new_enough(line) is usable
