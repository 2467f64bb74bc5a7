"""One open database: what it answers, what it refuses, and in which words."""

from __future__ import annotations

import pytest

from otel_agentmon.errors import ConfigError, OverloadedError, QueryLimitError, StoreError
from otel_agentmon.store.config import StoreConfig
from otel_agentmon.store.connect import Database, QueryLimits
from tests.database import fresh_database, shared_directory


@pytest.fixture(scope="module")
def database() -> Database:
    return fresh_database("connect")


def test_values_are_bound_not_pasted(database: Database) -> None:
    """A value with quotes in it stays a value."""
    rows = database.query("SELECT {v:String} AS v, 1 AS n", {"v": "it's' OR 1=1 --"})

    assert rows.columns == ("v", "n")
    assert rows.types == ("String", "UInt8")
    assert rows.dicts() == [{"v": "it's' OR 1=1 --", "n": 1}]


@pytest.mark.parametrize(
    ("sql", "limits"),
    [
        ("SELECT sleepEachRow(1) FROM numbers(5)", QueryLimits(seconds=0.1)),
        ("SELECT number FROM numbers(100)", QueryLimits(result_rows=10)),
        ("SELECT groupArray(number) FROM numbers(1e7)", QueryLimits(memory_bytes=2**22)),
    ],
)
def test_a_question_over_its_limit_is_stopped(
    database: Database, sql: str, limits: QueryLimits
) -> None:
    """Time, rows and memory are bounded, and the error says so."""
    with pytest.raises(QueryLimitError, match="the question was stopped"):
        database.query(sql, limits=limits)


def test_an_answer_that_was_cut_off_leaves_nothing_behind() -> None:
    """The connection that failed is not used again."""
    config = StoreConfig(database="connect", query_connections=1)
    narrow = Database(config, shared_directory())

    with pytest.raises(QueryLimitError):
        narrow.query("SELECT number FROM numbers(3000000)", limits=QueryLimits(result_rows=10**6))

    assert narrow.query("SELECT 1").rows == [(1,)]
    narrow.close()


def test_a_wrong_statement_carries_the_engines_code(database: Database) -> None:
    """Callers decide by number, not by text."""
    with pytest.raises(StoreError) as caught:
        database.query("SELECT a FROM nowhere")

    assert caught.value.code == 60


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t (a UInt8) ENGINE = Memory",
        "DROP TABLE otel_traces",
        "INSERT INTO otel_traces (TraceId) VALUES ('x')",
        "TRUNCATE TABLE otel_traces",
        "SET readonly = 0",
        "SET max_execution_time = 1000",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')",
    ],
)
def test_the_read_only_connection_cannot_write(database: Database, statement: str) -> None:
    """Nor can it lift its limits, nor reach out."""
    with pytest.raises(StoreError):
        database.read_only(statement, "JSONEachRow")


def test_the_read_only_connection_answers_in_the_format_asked_for(database: Database) -> None:
    """The bytes are the engine's own."""
    assert database.read_only("SELECT 1 AS a, 'x' AS b", "JSONCompactEachRow") == b'[1, "x"]\n'


def test_a_busy_database_says_so(database: Database) -> None:
    """A question waits for a connection no longer than it may run."""
    config = StoreConfig(database="connect", query_connections=1)
    narrow = Database(config, shared_directory())

    with narrow._readers.borrow(1.0), pytest.raises(OverloadedError, match="busy"):
        narrow.query("SELECT 1", limits=QueryLimits(seconds=0.01))
    narrow.close()
    narrow.close()


def test_the_embedded_database_needs_a_directory() -> None:
    """Without one it would be gone with the process."""
    with pytest.raises(ConfigError, match=r"store\.url"):
        Database(StoreConfig(), None)
