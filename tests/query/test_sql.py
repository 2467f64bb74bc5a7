"""The guard before a user's own SQL, on the real engine.

The statements that must not pass are what the engine's read-only mode lets through, each form in
which one of them could be hidden, and what it blocks anyway.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_agentmon.errors import InvalidQueryError, QueryLimitError
from otel_agentmon.query.sql import FORMATS, LONGEST_STATEMENT, run_sql
from otel_agentmon.store.connect import Database
from tests.database import fresh_database
from tests.query.builders import insert_spans, run


@pytest.fixture(scope="module")
def database() -> Database:
    """One run of an agent."""
    database = fresh_database("query_sql")
    insert_spans(database, [run("a")])
    return database


ANSWERED = {
    "select 1": [[1]],
    " select 1 ; ": [[1]],
    "-- why not\nselect /* so */ 1": [[1]],
    "(select 1) union all (select 2)": [[1], [2]],
    "with 2 as x select x": [[2]],
    "from otel_traces select count()": [[1]],
    "select GenAIAgentName from query_sql.otel_traces as t where t.Duration > 0": [["a"]],
    "select 'FORMAT INTO OUTFILE SETTINGS file(1); drop {x} %s'": [
        ["FORMAT INTO OUTFILE SETTINGS file(1); drop {x} %s"]
    ],
    "select $$it's$$, 'ü', '\\n'": [["it's", "ü", "\n"]],
    "select count(distinct TraceId), sumIf(1, 1), SUM(1), quantile(0.5)(1) from otel_traces": [
        [1, 1, 1, 1]
    ],
    "select arrayMap(x -> x + 1, [1, 2]), case 1 when 1 then 2 else 3 end, 1 in (1), '1'::Int8": [
        [[2, 3], 2, 1, 1]
    ],
    "select row_number() over (order by number) from numbers(2)": [[1], [2]],
    "select * except (b) from (select 1 as a, 2 as b)": [[1]],
    "select 1 where 1 in (select 1)": [[1]],
    "select SpanAttributes['gen_ai.agent.name'] from otel_traces": [["a"]],
    "select * from values('a Int8', 1)": [[1]],
    "select name from system.tables where database = 'query_sql' and name = 'otel_logs'": [
        ["otel_logs"]
    ],
    "exists table otel_traces": [[1]],
    "show tables like 'otel_logs'": [["otel_logs"]],
    "show tables from query_sql like 'otel_logs'": [["otel_logs"]],
}


@pytest.mark.parametrize("statement", ANSWERED)
def test_a_question_is_answered(database: Database, statement: str) -> None:
    """What only reads our tables and computes is let through unchanged."""
    body, media_type = run_sql(database, statement)

    assert [json.loads(line) for line in body.splitlines()] == ANSWERED[statement]
    assert media_type == "application/x-ndjson"


@pytest.mark.parametrize(
    "statement",
    [
        "describe table otel_traces",
        "desc otel_traces",
        "show create table otel_traces",
        "show columns from otel_traces",
        "explain select count() from otel_traces",
        "explain pipeline select 1",
        "explain indexes = 1 select 1 from otel_traces",
        "explain query tree select 1",
        "explain estimate select TraceId from otel_traces",
    ],
)
def test_the_tables_and_plans_can_be_looked_at(database: Database, statement: str) -> None:
    """Whoever writes SQL needs to know the columns."""
    assert run_sql(database, statement)[0]


_PLACES = (
    "select {}",
    "select {} as x",
    "explain select {}",
    "with {} as f select f",
    "with t as (select {}) select * from t",
    "with recursive t as (select {}) select * from t",
    "select * from (select {})",
    "select 1 union all select {}",
    "select 1 intersect select {}",
    "select 1 where {} = ''",
    "select 1 from otel_traces prewhere {} = ''",
    "select 1 group by {}",
    "select 1 group by grouping sets (({}))",
    "select 1 having {} = ''",
    "select 1 order by {}",
    "select 1 as x order by x with fill from {}",
    "select 1 as x order by x with fill interpolate (y as {})",
    "select 1 limit (select {})",
    "select 1 limit 1 by {}",
    "select 1 qualify {} = ''",
    "select distinct on ({}) 1",
    "select 1 in {}",
    "select 1 in ({})",
    "select (select {})",
    "select exists(select {})",
    "select not {}",
    "select [{}], ({}, 1), map('a', {})",
    "select case {} when 1 then 2 end",
    "select cast({} as String), {}::String",
    "select interval {} day",
    "select if(1, {}, '')",
    "select arrayMap(y -> {}, [1])",
    "select * apply(x -> {}) from (select 1)",
    "select columns('a') apply(x -> {}) from (select 1 as a)",
    "select * replace ({} as a) from (select 1 as a)",
    "select count({}), sumIf(1, {} = ''), quantile({})(1)",
    "select sum(1) over (partition by {})",
    "select sum(1) over (order by {} rows between {} preceding and current row)",
    "select sum(1) over w from numbers(1) window w as (partition by {})",
    "select 1 from numbers(1) as a join numbers(1) as b on {} = ''",
    "select 1 from numbers(1) array join [{}] as z",
    "select * from numbers({})",
    "select * from values('a String', {})",
    "select * from view(select {})",
    "select * from (explain select {})",
    "select `{{x\n Function numbers`, {} from (select 1 as `{{x\n Function numbers`)",
)


@pytest.mark.parametrize("place", _PLACES)
def test_a_function_that_reads_files_is_found_wherever_it_hides(
    database: Database, place: str, tmp_path: Path
) -> None:
    """The engine's own tree shows each place an expression can stand in, or it is refused."""
    secret = tmp_path / "secret"
    secret.write_text("leaked", encoding="utf-8")
    statement = place.format(*[f"file('{secret}')"] * place.count("{}"))

    with pytest.raises(InvalidQueryError) as caught:
        run_sql(database, statement)

    assert "leaked" not in str(caught.value)


REFUSED = (
    # Reads a file, in other words.
    "select File('/etc/passwd')", "select `file`('/etc/passwd')", "select * apply file",
    "select * apply(file) from (select '/etc/passwd')", "select fileIf('/etc/passwd', 1)",
    "select * from file('/etc/passwd')", "select * from '/etc/passwd'",
    "select * from executable('x', 'TSV', 'a String')", "select * from sqlite('/x', 'y')",
    "select catboostEvaluate('/x', 1)", "select showCertificate()",
    # Writes a file.
    "explain select 1 into outfile '{}'", "select 1 into outfile '{}'",
    "select 1 into outfile '{}' truncate format CSV", "show tables into outfile '{}'",
    "(select 1) into outfile '{}'", "describe table otel_traces into outfile '{}'",
    # Calls out.
    "describe url('http://127.0.0.1:9/')", "describe table url('http://127.0.0.1:9/')",
    "select * from url('http://127.0.0.1:9/')", "select * from s3('http://127.0.0.1:9/x')",
    "select * from remote('127.0.0.1', system.one)", "select aiGenerate('x')",
    "select * from mysql('127.0.0.1:9', 'a', 'b', 'c', 'd')",
    "explain table override mysql('127.0.0.1:9', 'a', 'b', 'c', 'd') columns (a Int8)",
    "select hasColumnInTable('127.0.0.1:9', 'u', 'p', 'd', 't', 'c')",
    # Looks around, or goes past a filter on tables.
    "select * from merge('query_sql', '.*')", "select * from merge('.*')",
    "select * from mergeTreeIndex('query_sql', 'otel_traces')", "select * from loop(otel_traces)",
    "select * from dictionary('x')", "select joinGet('x', 'y', 'z')",
    "select * from system.processes", "select * from system.`settings`",
    'select * from "system"."settings"', "select * from information_schema.tables",
    "select * from INFORMATION_SCHEMA.TABLES", "select 1 in system.users",
    "select 1 not in system.one", "select * from another.otel_traces", "show tables from system",
    "describe table system.users", "show create table another.otel_traces", "show processlist",
    "show settings like '%'", "show grants", "show databases", "select getSetting('x')",
    "select getMacro('x')", "select hostName()", "select currentUser()",
    # Changes settings or the connection.
    "set readonly = 0", "select 1 settings readonly = 0", "use system",
    "select 1 settings max_execution_time = 100000", "select * from (select 1 settings a = 1)",
    # Takes long, or stops others.
    "select sleep(3)", "select sleepEachRow(3)", "kill query where 1", "system stop merges",
    # Writes.
    "insert into otel_traces (TraceId) values ('x')", "drop table otel_traces",
    "create table x (a Int8) engine = Memory", "create temporary table x (a Int8)",
    "alter table otel_traces delete where 1", "truncate table otel_traces",
    "optimize table otel_traces", "exchange tables otel_traces and otel_logs", "undrop table x",
    "attach table x", "detach table otel_traces", "rename table otel_traces to x",
    "backup table otel_traces to disk('a', 'b')", "grant all on *.* to x", "execute as x select 1",
    # More than one, none at all, or its format.
    "select 1; select 2", "select 1; drop table otel_traces", "", " ", ";",
    "-- nothing", "select 1 /*", "select 1 format CSV", "show tables format CSV",
    "explain ast select 1",
    # Wrong.
    "selec 1", "select", "select nonsense(1)", "select * from nonsense", "select nonsense",
    "select {x:String}", "select '\\xff'", "select 1 \0", "select 'a", "select '\ud800'",
)  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED)
def test_a_statement_that_is_no_question_is_refused(
    database: Database, statement: str, tmp_path: Path
) -> None:
    """It is refused with a reason, nothing is written, and the table is as before."""
    target = tmp_path / "target"

    with pytest.raises(InvalidQueryError) as caught:
        run_sql(database, statement.replace("{}", str(target)))

    assert caught.value.field == "query"
    assert str(caught.value)
    assert not target.exists()
    assert run_sql(database, "select count() from otel_traces")[0] == b"[1]\n"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_works(database: Database, name: str) -> None:
    """A name on the list is a format that this engine writes."""
    body, media_type = run_sql(database, "select 1 as a, 'x' as b", name)

    assert body
    assert media_type == FORMATS[name]


def test_a_format_that_is_not_on_the_list_is_refused(database: Database) -> None:
    """A format is a name, and cannot carry anything else."""
    with pytest.raises(InvalidQueryError) as caught:
        run_sql(database, "select 1", "TSV SETTINGS readonly=0")

    assert caught.value.field == "format"


def test_an_answer_that_is_too_large_is_a_limit() -> None:
    """The connection's own limits hold; the question may be right."""
    database = fresh_database("query_sql_too_large")

    with pytest.raises(QueryLimitError, match="too large"):
        run_sql(database, "select number from numbers(2000000)")


def test_an_answer_that_was_cut_off_leaves_nothing_behind() -> None:
    """The next question gets its own answer."""
    database = fresh_database("query_sql_cut_off")
    with pytest.raises(QueryLimitError):
        run_sql(database, "select number from numbers(2000000)")

    assert run_sql(database, "select 1")[0] == b"[1]\n"


def test_a_statement_that_is_too_long_is_a_limit(database: Database) -> None:
    """It is refused before the engine sees it."""
    with pytest.raises(QueryLimitError, match="characters"):
        run_sql(database, "select 1" + " " * LONGEST_STATEMENT)


def test_a_statement_that_is_too_deep_is_refused(database: Database) -> None:
    """The engine's parser has a limit, and reaching it hurts nobody."""
    with pytest.raises(InvalidQueryError):
        run_sql(database, "select " + "(" * 5000 + "1" + ")" * 5000)
