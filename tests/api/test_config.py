"""What may be configured."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from otel_agentmon.api.config import ApiConfig


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:8000", "localhost:8000", "127.9.9.9:1"])
def test_loopback_may_be_listened_on(address: str) -> None:
    """With any port, 0 included."""
    assert ApiConfig(address=address).address == address


@pytest.mark.parametrize("address", ["0.0.0.0:8000", "[::]:8000", "10.0.0.1:8000", "host:8000"])
def test_beyond_loopback_is_refused(address: str) -> None:
    """As long as nothing asks who is asking."""
    with pytest.raises(ValidationError, match="can be reached from other machines"):
        ApiConfig(address=address)


@pytest.mark.parametrize("address", ["8000", "127.0.0.1", "::1:8000", "127.0.0.1:65536", ":1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """With an example of one."""
    with pytest.raises(ValidationError, match=r"like (127\.0\.0\.1|\[::1\]):\d+"):
        ApiConfig(address=address)
