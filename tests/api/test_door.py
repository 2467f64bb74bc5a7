"""Whose requests come in."""

from __future__ import annotations

import pytest

from otel_agentmon.api.door import is_own_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("::1", True),
        ("192.168.1.5:8000", True),
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("agentmon.localhost:8000", True),
        ("", False),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("notlocalhost", False),
        ("127.0.0.1@evil.example", False),
        ("[evil.example]:80", False),
    ],
)
def test_a_name_that_a_foreign_server_can_resolve_is_refused(host: str, expected: bool) -> None:
    """A page under such a name could otherwise read the answers (DNS rebinding)."""
    assert is_own_host(host) is expected
