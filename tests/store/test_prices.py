"""The price book in the database says what the genai-prices package says."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices import types as book
from genai_prices.data import providers

from otel_agentmon.signals import Signal
from otel_agentmon.store.connect import Database
from otel_agentmon.store.price_book import PriceBook, read_price_book
from otel_agentmon.store.prices import refresh_prices, store_price_book
from otel_agentmon.store.segments import LoadLimits, load_segment
from tests.database import fresh_database
from tests.store.segment_files import trace_body, write_segment

OTEL_NAMES = {
    "aws": ["aws.bedrock"],
    "azure": ["azure.ai.openai", "azure.ai.inference"],
    "google": ["gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai"],
    "mistral": ["mistral_ai"],
    "moonshotai": ["moonshot_ai"],
    "x-ai": ["x_ai"],
}


@pytest.fixture(scope="module")
def rows() -> PriceBook:
    return read_price_book()


@pytest.fixture(scope="module")
def database(rows: PriceBook) -> Database:
    found = fresh_database("prices")
    store_price_book(found, rows, "of the test")
    return found


def model_words(clause: Any) -> Iterable[str]:
    """Names that a rule of the price book speaks of."""
    for part in getattr(clause, "or_", []):
        yield from model_words(part)
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        if hasattr(clause, kind):
            yield getattr(clause, kind).lower()


def expected_model(provider: book.Provider, word: str, priced: set[str]) -> str:
    """`provider/model` as the package itself finds it, empty where no table can price it."""
    found = provider.find_model(word, all_providers=providers)
    fallbacks = [p for p in providers if p.id in (provider.fallback_model_providers or [])]
    for source in [provider, *fallbacks]:
        if any(model is found for model in source.models):
            name = f"{source.id}/{found.id}" if found else ""
            return name if name in priced else ""
    return ""


def test_every_name_is_matched_as_the_package_matches_it(
    database: Database, rows: PriceBook
) -> None:
    """All names of all providers, under each name OpenTelemetry has for the provider."""
    priced = {row[0] for row in rows.periods}
    asked = [
        (f"{name}/{word}", expected_model(provider, word, priced))
        for provider in providers
        for name in OTEL_NAMES.get(provider.id, [provider.id])
        for model in provider.models
        for word in {model.id.lower(), *model_words(model.match)}
    ]

    answers = database.query(
        "SELECT arrayMap(n -> dictGetOrDefault('prices.price_model_name', 'model', n, ''), "
        "{names:Array(String)})",
        {"names": [name for name, _ in asked]},
    ).rows[0][0]

    wrong = [(a, found) for a, found in zip(asked, answers, strict=True) if a[1] != found]
    assert len(asked) > 3000
    assert wrong == []


CALLS: list[tuple[str, str, str, dict[str, int]]] = [
    ("openai", "openai", "gpt-4o-2024-08-06", {"input": 1000, "output": 200}),
    ("openai", "openai", "gpt-4o", {"input": 1000, "output": 200, "cache_read": 600}),
    ("anthropic", "anthropic", "claude-sonnet-4-5", {"input": 10, "output": 5}),
    (
        "anthropic",
        "anthropic",
        "claude-sonnet-4-5",
        {"input": 5000, "output": 5, "cache_read": 4000, "cache_write": 500},
    ),
    ("gcp.gemini", "google", "gemini-2.5-pro", {"input": 199_999, "output": 10}),
    ("gcp.gemini", "google", "gemini-2.5-pro", {"input": 200_001, "output": 10}),
    ("openai", "openai", "text-embedding-3-small", {"input": 12345}),
]


@pytest.mark.parametrize(("name", "provider", "model", "tokens"), CALLS)
def test_a_call_costs_what_the_package_says(
    database: Database,
    tmp_path: Path,
    name: str,
    provider: str,
    model: str,
    tokens: dict[str, int],
) -> None:
    """Cached tokens, tiers and classes without a price of their own included, to the picodollar."""
    usage = Usage(
        input_tokens=tokens["input"],
        output_tokens=tokens.get("output"),
        cache_read_tokens=tokens.get("cache_read"),
        cache_write_tokens=tokens.get("cache_write"),
    )
    expected = calc_price(usage, model, provider_id=provider).total_price

    assert cost(database, tmp_path, name, model, tokens) == (expected, "")


@pytest.mark.parametrize(
    ("model", "tokens", "reason"),
    [
        ("acme-7b", {"input": 10}, "no_price"),
        ("", {"input": 10}, "no_model"),
        ("gpt-4o", {}, "no_usage"),
    ],
)
def test_an_unknown_cost_is_null_with_its_reason(
    database: Database, tmp_path: Path, model: str, tokens: dict[str, int], reason: str
) -> None:
    """Unknown is never free."""
    assert cost(database, tmp_path, "openai", model, tokens) == (None, reason)


def test_only_calls_of_a_model_cost_money(database: Database, tmp_path: Path) -> None:
    """The agent's span around the call repeats its tokens and must not double them."""
    found = cost(database, tmp_path, "openai", "gpt-4o", {"input": 10}, operation="invoke_agent")

    assert found == (None, "")


def test_input_below_its_cached_parts_is_taken_for_the_uncached_rest(
    database: Database, tmp_path: Path
) -> None:
    """Some instrumentations report what the provider calls input, without the cached tokens."""
    raw = {"input": 10, "cache_read": 100}
    whole = {"input": 110, "cache_read": 100}

    assert cost(database, tmp_path, "anthropic", "claude-sonnet-4-5", raw) == cost(
        database, tmp_path, "anthropic", "claude-sonnet-4-5", whole
    )


def test_the_book_is_stored_when_the_package_has_changed(
    database: Database, rows: PriceBook
) -> None:
    """A start with the same package leaves the tables alone."""
    assert refresh_prices(database) is True
    assert refresh_prices(database) is False

    stored = database.query("SELECT count() FROM price_amounts").rows[0][0]
    assert stored == len(rows.amounts)


def cost(
    database: Database,
    folder: Path,
    provider: str,
    model: str,
    tokens: dict[str, int],
    operation: str = "",
) -> tuple[Decimal | None, str]:
    number = time.monotonic_ns()
    keys = {
        "input": "gen_ai.usage.input_tokens",
        "output": "gen_ai.usage.output_tokens",
        "cache_read": "gen_ai.usage.cache_read.input_tokens",
        "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    }
    attributes: dict[str, str | int | float | bool] = {
        "gen_ai.operation.name": operation or ("embeddings" if "embedding" in model else "chat"),
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        **{keys[name]: count for name, count in tokens.items()},
    }
    body = trace_body(spans=1, start_unix_nano=time.time_ns(), attributes=attributes)
    segment = write_segment(folder, Signal.TRACES, number, [body])
    load_segment(database, segment, LoadLimits(1, 60), attempt="test")
    row = database.query(
        "SELECT CostUSD, CostUnknownReason FROM otel_traces WHERE SegmentNumber = {n:UInt64}",
        {"n": number},
    ).rows[0]
    return row[0], row[1]
