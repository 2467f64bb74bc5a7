"""Keeps the price tables at the version of the installed genai-prices package."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import query_text

if TYPE_CHECKING:
    from otel_agentmon.store.price_book import PriceBook

_ROWS_VERSION = 1
"""Counted up when the same package makes other rows."""


def refresh_prices(database: Database) -> bool:
    """Stores the package's prices if the tables hold those of another version; True if it did."""
    current = f"genai-prices {version('genai-prices')}, rows {_ROWS_VERSION}"
    stored = database.query(query_text("read_price_version")).rows
    if stored and stored[0][0] == current:
        return False
    # Imported only now: the package takes 20 MB, which most starts need not pay.
    from otel_agentmon.store.price_book import read_price_book

    store_price_book(database, read_price_book(), current)
    return True


def store_price_book(database: Database, rows: PriceBook, book_version: str) -> None:
    """Replaces what the price tables hold and makes the dictionaries read it."""
    tables = {
        "price_model_names": (["id", "parent_id", "regexp", "keys", "values"], rows.names),
        "price_periods": (
            ["model", "valid_from", "valid_until", "period", "tier_1_above", "tier_2_above"],
            rows.periods,
        ),
        "price_amounts": (
            ["price_id", "input", "cache_read", "cache_write", "output"],
            rows.amounts,
        ),
    }
    database.command("TRUNCATE TABLE price_version")
    for table, (columns, content) in tables.items():
        database.command(f"TRUNCATE TABLE {table}")
        database.insert(table, columns, content)
    for dictionary in ("price_model_name", "price_period", "price_tier", "price_amount"):
        database.command(f"SYSTEM RELOAD DICTIONARY {database.name}.{dictionary}")
    # Last, so that a start that is cut off here stores them again.
    database.insert("price_version", ["version"], [[book_version]])
