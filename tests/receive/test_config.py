"""What may be written under `receive:`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from otel_agentmon.receive.config import ReceiveConfig

TOKEN = {"name": "ci", "sha256": "ab" * 32}


def test_the_defaults_listen_on_loopback_with_the_specified_ports_and_limit() -> None:
    """4317, 4318 and 64 MiB are OTLP's own numbers."""
    config = ReceiveConfig()

    assert (config.grpc.address, config.http.address) == ("127.0.0.1:4317", "127.0.0.1:4318")
    assert config.max_request_size == 64 * 2**20


@pytest.mark.parametrize(
    "address", ["0.0.0.0:4317", "10.1.2.3:4317", "[::]:4317", "[2001:db8::1]:0", "monitor:4317"]
)
@pytest.mark.parametrize("door", ["grpc", "http"])
def test_an_open_address_without_authentication_refuses_to_start(door: str, address: str) -> None:
    """The message names the field, the value and the remedy; a token is enough."""
    with pytest.raises(ValidationError) as caught:
        ReceiveConfig.model_validate({door: {"address": address}})

    assert f"receive.{door}.address: '{address}' can be reached from other" in str(caught.value)
    assert "add receive.tokens" in str(caught.value)
    ReceiveConfig.model_validate({door: {"address": address}, "tokens": [TOKEN]})


@pytest.mark.parametrize("address", ["localhost:0", "127.9.9.9:1", "[::1]:4317"])
def test_loopback_needs_no_login(address: str) -> None:
    """Any of its addresses."""
    ReceiveConfig.model_validate({"grpc": {"address": address}})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grpc": {"address": ":4317"}}, "write it like 127.0.0.1:4317"),
        ({"grpc": {"address": "127.0.0.1"}}, "write it like 127.0.0.1:4317"),
        ({"http": {"address": "127.0.0.1:99999"}}, "write it like 127.0.0.1:4317"),
        ({"http": {"address": "::1:4318"}}, "in brackets"),
        ({"tls": {"cert_file": "/none.pem", "key_file": "/none.pem"}}, "/none.pem cannot be read"),
        ({"tokens": [{"name": "ci", "sha256": "the token itself"}]}, "String should match"),
        ({"tokens": [{"name": "ci", "token": "x"}]}, "Extra inputs"),
        ({"max_request_size": "1GiB"}, "cannot hold one request"),
        ({"read_timeout": 0}, "greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    """Bad configuration never starts."""
    with pytest.raises(ValidationError, match=message):
        ReceiveConfig.model_validate(settings)
