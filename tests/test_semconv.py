"""Tests of the names we read and write."""

from __future__ import annotations

import re

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as published

from otel_agentmon import semconv

# Published after the version that the installed package was generated from.
_NEWER = {"GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS"}
_NO_ATTRIBUTE = {  # events and metrics are not in a module of attributes
    "GEN_AI_EVALUATION_RESULT",
    "GEN_AI_CLIENT_TOKEN_USAGE",
    "GEN_AI_CLIENT_OPERATION_DURATION",
}
_NAMES = {
    key: value
    for key, value in vars(semconv).items()
    if key.isupper() and isinstance(value, str) and key != "SCHEMA_URL"
}


@pytest.mark.parametrize(("key", "value"), _NAMES.items())
def test_a_constant_is_spelt_like_its_name(key: str, value: str) -> None:
    """The constant of `a.b_c` is `A_B_C`, so that a reader of code can write the query."""
    assert key == value.upper().replace(".", "_")
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", value)


def test_gen_ai_attributes_are_those_of_the_published_conventions() -> None:
    """Nothing of ours hides below `gen_ai.`, and no name is misspelt."""
    ours = {key for key in _NAMES if key.startswith("GEN_AI_")} - _NEWER - _NO_ATTRIBUTE

    assert {key: _NAMES[key] for key in ours} == {key: getattr(published, key) for key in ours}


def test_operations_and_token_types_are_those_of_the_published_conventions() -> None:
    """A value we know is a value that instrumentations send."""
    operations = {member.value for member in published.GenAiOperationNameValues}
    token_types = {member.value for member in published.GenAiTokenTypeValues}

    assert set(semconv.Operation) <= operations
    assert set(semconv.TokenType) <= token_types


def test_the_schema_is_the_one_that_scopes_announce() -> None:
    """The schema URL carries the pinned version of the conventions."""
    assert semconv.SCHEMA_URL == "https://opentelemetry.io/schemas/gen-ai/1.42.0"
