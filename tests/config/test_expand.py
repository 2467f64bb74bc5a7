"""References to the environment in configuration values."""

from __future__ import annotations

import pytest

from otel_agentmon.config.expand import expand_variables

ENVIRON = {"HOST": "127.0.0.1", "PORT": "4317", "EMPTY": "", "PRICE": "${env:HOST}"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${env:HOST}", "127.0.0.1"),
        ("${HOST}", "127.0.0.1"),
        ("${env:HOST}:${env:PORT}", "127.0.0.1:4317"),
        ("${env:MISSING:-0.0.0.0}:1", "0.0.0.0:1"),
        ("${env:HOST:-0.0.0.0}", "127.0.0.1"),
        ("${env:MISSING:-}", ""),
        ("${env:EMPTY:-full}", ""),
        ("${env:MISSING:-a:-b}", "a:-b"),
        ("$${env:HOST}", "${env:HOST}"),
        ("$$${env:HOST}", "$${env:HOST}"),
        ("${env:PRICE}", "${env:HOST}"),
        ("a $ b $HOST {HOST}", "a $ b $HOST {HOST}"),
    ],
)
def test_references_are_replaced(text: str, expanded: str) -> None:
    """A value or its default replaces a reference, once, and nothing else is touched."""
    assert expand_variables(text, ENVIRON) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "${env:MISSING}",
            "MISSING is not set; set it, or give a default: ${env:MISSING:-default}",
        ),
        ("${file:/etc/token}", "${file:/etc/token} is not a reference"),
        ("${env:}", "${env:} is not a reference"),
        ("${}", "write ${env:NAME} or ${env:NAME:-default}, or $${} for the plain text"),
    ],
)
def test_a_reference_to_nothing_is_refused(text: str, message: str) -> None:
    """What cannot be replaced is an error with its remedy, not an empty text."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is checked below
        expand_variables(text, ENVIRON)

    assert message in str(caught.value)
