"""The price book: what the genai-prices package knows, as rows for the price tables.

Names are matched in the database, by a dictionary of regular expressions over `provider/model`
in lower case, so that a span's cost is known when it is stored. What cannot be said in a table
(prices by the time of day, per request, by a conjunction of name rules) is left out: those models
have an unknown cost, not a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from genai_prices import types as book
from genai_prices.data import providers as book_providers

_FIRST_DAY = date(1970, 1, 1)
_LAST_DAY = date(2149, 6, 6)
_NO_TIER = 2**64 - 1
_NOWHERE = re.compile(r"^\^\(\?!\.\*(.+)\)$")
_TOKENS_PER_PRICE = Decimal(1_000_000)
_CLASSES = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")

# OpenTelemetry's gen_ai.provider.name to the id in the price book, where they differ.
_PROVIDERS = {
    "aws": ("aws.bedrock",),
    "azure": ("azure.ai.inference", "azure.ai.openai"),
    "google": ("gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai"),
    "mistral": ("mistral_ai",),
    "moonshotai": ("moonshot_ai",),
    "x-ai": ("x_ai",),
}


@dataclass(slots=True)
class PriceBook:
    """Rows of the three price tables; `prices` says what is in them."""

    names: list[list[Any]] = field(default_factory=list)
    periods: list[list[Any]] = field(default_factory=list)
    amounts: list[list[Any]] = field(default_factory=list)


def read_price_book(providers: list[book.Provider] | None = None) -> PriceBook:
    """The installed package's prices as rows; `providers` is for tests."""
    known = book_providers if providers is None else providers
    by_id = {p.id: p for p in known}
    rows = PriceBook()
    priced: set[str] = set()
    for provider in known:
        for model in provider.models:
            name = f"{provider.id}/{model.id}"
            if _add_prices(rows, name, model):
                priced.add(name)
    for provider in known:
        late: list[tuple[str, str]] = []
        sources = [
            provider,
            *(by_id[i] for i in provider.fallback_model_providers or () if i in by_id),
        ]
        for source in sources:
            for model in source.models:
                name = f"{source.id}/{model.id}"
                name = name if name in priced else ""
                for rule in _patterns(model.match):
                    _add_name(rows, provider, rule, name)
                for rule, exception in _exceptions(model.match):
                    late += [(rule + exception, ""), (rule, name)]
        # A rule with an exception stands behind all others: the excepted names may have a model
        # of their own, and where they have none they are unknown.
        for rule, name in late:
            _add_name(rows, provider, rule, name)
    return rows


def _add_name(rows: PriceBook, provider: book.Provider, rule: str, name: str) -> None:
    aliases = _PROVIDERS.get(provider.id, (provider.id,))
    prefix = "|".join(re.escape(a) for a in aliases)
    number = len(rows.names) + 1
    rows.names.append([number, 0, f"^(?:{prefix})/{rule}", ["model"], [name]])


def _add_prices(rows: PriceBook, name: str, model: book.ModelInfo) -> bool:
    """Adds the model's price periods; False where a table cannot say what it costs."""
    prices = (
        model.prices
        if isinstance(model.prices, list)
        else [book.ConditionalPrice(prices=model.prices)]
    )
    periods: list[tuple[date, book.ModelPrice]] = []
    for entry in prices:
        if entry.constraint is None:
            periods.append((_FIRST_DAY, entry.prices))
        elif isinstance(entry.constraint, book.StartDateConstraint):
            periods.append((entry.constraint.start_date, entry.prices))
        else:
            return False
    if not all(_is_per_token(price) for _, price in periods):
        return False
    periods.sort(key=lambda p: p[0])
    for index, (start, price) in enumerate(periods):
        following = periods[index + 1][0] if index + 1 < len(periods) else None
        end = date.fromordinal(following.toordinal() - 1) if following else _LAST_DAY
        tiers = _tier_starts(price)
        period = f"{name}@{start.isoformat()}"
        above = [*tiers, _NO_TIER, _NO_TIER][:2]
        rows.periods.append([name, start, end, period, *above])
        for tier, tokens in enumerate([0, *tiers]):
            rows.amounts.append([f"{period}#{tier}", *_amounts(price, tokens)])
    return True


def _is_per_token(price: book.ModelPrice) -> bool:
    """Whether what a call costs follows from its tokens and at most two tiers."""
    return (
        price.__dict__.get("input_mtok") is not None
        and price.__dict__.get("requests_kcount") is None
        and len(_tier_starts(price)) <= 2
    )


def _tier_starts(price: book.ModelPrice) -> list[int]:
    starts = {
        tier.start
        for name in _CLASSES
        if isinstance(value := price.__dict__.get(name), book.TieredPrices)
        for tier in value.tiers
    }
    return sorted(starts)


def _amounts(price: book.ModelPrice, tier_start: int) -> list[Decimal]:
    """Dollars for one token of each class; a class without a price costs what input does."""
    values: list[Decimal] = []
    for name in _CLASSES:
        value = price.__dict__.get(name)
        if isinstance(value, book.TieredPrices):
            reached = [t.price for t in value.tiers if t.start <= tier_start and tier_start > 0]
            value = reached[-1] if reached else value.base
        if value is None:
            value = Decimal(0) if name == "output_mtok" else values[0] * _TOKENS_PER_PRICE
        values.append(Decimal(value) / _TOKENS_PER_PRICE)
    return values


def _patterns(clause: Any) -> Iterator[str]:
    """Regular expressions (RE2) over a lower-case model name, each sufficient for a match."""
    match clause:
        case book.ClauseOr():
            for part in clause.or_:
                yield from _patterns(part)
        case book.ClauseEquals():
            yield re.escape(clause.equals.lower()) + "$"
        case book.ClauseStartsWith():
            yield re.escape(clause.starts_with.lower())
        case book.ClauseEndsWith():
            yield ".*" + re.escape(clause.ends_with.lower()) + "$"
        case book.ClauseContains():
            yield ".*" + re.escape(clause.contains.lower())
        case book.ClauseRegex() if "|^" not in clause.regex:
            rule = clause.regex.removeprefix("^")
            yield f"(?:{rule})" if rule != clause.regex else f".*(?:{rule})"
        case _:
            # See `_exceptions`; any other conjunction is no RE2 expression and stays unknown.
            return


def _exceptions(clause: Any) -> Iterator[tuple[str, str]]:
    """Rules of the form "starts with this, and nowhere that", as (rule, what must not follow)."""
    if isinstance(clause, book.ClauseOr):
        for part in clause.or_:
            yield from _exceptions(part)
    if isinstance(clause, book.ClauseAnd) and len(clause.and_) == 2:
        start, other = clause.and_
        if isinstance(start, book.ClauseStartsWith) and isinstance(other, book.ClauseRegex):
            forbidden = _NOWHERE.match(other.regex)
            if forbidden:
                yield re.escape(start.starts_with.lower()), f".*(?:{forbidden[1]})"
