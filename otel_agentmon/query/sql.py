"""A user's own SQL: what may be asked, and in which format it is answered.

This is the guard until a sandbox exists. The engine's read-only mode stops writes and table
functions, but not scalar `file()`, INTO OUTFILE, DESCRIBE of an address, KILL QUERY and more, and
the embedded engine has no users to take rights from. So a statement passes three gates, and what
is not known to be harmless is refused:

1. The engine's own parser reads the text, which is bound as a value, and writes it anew: exactly
   one statement, without comments. Only this rewritten text is used from then on.
2. It is a SELECT, alone or behind EXPLAIN, or matches one of a few exact patterns.
3. EXPLAIN AST of the SELECT as a sub-query, where FORMAT and INTO OUTFILE cannot stand: every
   kind of node, function, table function and table is on a list of harmless ones.

It then runs on a read-only connection with limits that it cannot raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from otel_agentmon.errors import InvalidQueryError, QueryLimitError, StoreError
from otel_agentmon.store.connect import Database
from otel_agentmon.store.statements import query_text

LONGEST_STATEMENT: Final = 100_000
"""In characters; the engine's own limit is 262,144 bytes."""

DEFAULT_FORMAT: Final = "JSONCompactEachRow"

_CSV = "text/csv; charset=utf-8"
_TSV = "text/tab-separated-values; charset=utf-8"
FORMATS: Final = {
    DEFAULT_FORMAT: "application/x-ndjson",
    "JSONCompactEachRowWithNamesAndTypes": "application/x-ndjson",
    "JSONEachRow": "application/x-ndjson",
    "JSON": "application/json",
    "JSONCompact": "application/json",
    "CSV": _CSV,
    "CSVWithNames": _CSV,
    "TSV": _TSV,
    "TSVWithNames": _TSV,
    "Parquet": "application/vnd.apache.parquet",
    "ArrowStream": "application/vnd.apache.arrow.stream",
}
"""Output formats, by ClickHouse's names, with their media types."""

_NAME = r"(?:(?P<database>\w+)\.)?\w+"
_OTHER_STATEMENTS = re.compile(
    rf"SHOW TABLES(?: FROM (?P<shown>\w+))?(?: (?:I?LIKE|NOT I?LIKE) '[^'\\]*')?"
    rf"|(?:SHOW CREATE TABLE|SHOW COLUMNS FROM|DESCRIBE TABLE|EXISTS TABLE) {_NAME}"
)
_EXPLAIN = re.compile(
    r"EXPLAIN(?: (?:SYNTAX|QUERY TREE|PLAN|PIPELINE|ESTIMATE))?"
    r"(?: [a-z_]+ = [01](?:, [a-z_]+ = [01])*)?\n(?=SELECT\b|WITH\b)"
)
_SELECT = re.compile(r"(?:SELECT|WITH)\b")

_NODES: Final = frozenset(
    {
        *("SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "Subquery"),
        *("ExpressionList", "Function", "Identifier", "Literal", "Asterisk", "QualifiedAsterisk"),
        *("TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression"),
        *("TableIdentifier", "TableJoin", "ArrayJoin", "WithElement", "SampleRatio"),
        *("OrderByElement", "InterpolateElement", "WindowListElement", "WindowDefinition"),
        *("ColumnsListMatcher", "ColumnsRegexpMatcher", "QualifiedColumnsListMatcher"),
        *("QualifiedColumnsRegexpMatcher", "ColumnsTransformerList", "ColumnsExceptTransformer"),
        *("ColumnsReplaceTransformer", "ColumnsReplaceTransformer::Replacement"),
    }
)
"""Kinds of nodes whose children EXPLAIN AST shows. APPLY is not one: it hides a function."""

_TABLE_FUNCTIONS: Final = frozenset({"numbers", "generateseries", "generate_series", "values"})
_SYSTEM_TABLES: Final = frozenset({"columns", "functions", "numbers", "one", "parts", "tables"})
_SPECIAL_FUNCTIONS: Final = frozenset({"lambda", "grouping", "untuple", "exists"})
"""Words of the language that the parser shows as functions and the engine does not list."""
_COMBINATORS: Final = (
    "ordefault", "ornull", "distinct", "resample", "foreach", "argmin", "argmax", "array",
    "state", "merge", "map", "if",
)  # fmt: skip
"""Endings of aggregate functions that only change how their arguments are taken."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SYNTAX_ERROR: Final = 62
_NODE = re.compile(r"^( *)([A-Za-z:]+)(?: (.*))?$")
_DETAILS = re.compile(r" \((?:alias .*|children \d+|column .*)\).*$", re.DOTALL)
_CODE = re.compile(r"^(?:.*?Code: \d+\. )?(?:DB::Exception: )+")
_TAIL = re.compile(
    r"(?:: In scope SELECT formatQuery| FORMAT | \(version |\. Stack trace).*", re.DOTALL
)


def run_sql(
    database: Database, statement: str, output_format: str = DEFAULT_FORMAT
) -> tuple[bytes, str]:
    """The answer in one of `FORMATS`, and its media type.

    Raises InvalidQueryError for what may not be asked or the engine does not understand, and
    QueryLimitError.
    """
    if output_format not in FORMATS:
        raise InvalidQueryError(
            f"{output_format!r} is not one of {', '.join(FORMATS)}", field="format"
        )
    checked = check_statement(database, statement)
    try:
        return database.read_only(checked, output_format), FORMATS[output_format]
    except StoreError as error:
        raise _refused(_reason(error)) from error


def check_statement(database: Database, statement: str) -> str:
    """The statement as the engine writes it. Raises InvalidQueryError if it may not be run."""
    text = _rewrite(database, statement)
    other = _OTHER_STATEMENTS.fullmatch(text)
    if other is not None:
        name = other["database"] or other["shown"]
        if name is not None and name != database.name:
            raise _refused(f"the database {name!r} cannot be read here")
        return text
    explain = _EXPLAIN.match(text)
    select = text[explain.end() :] if explain else text
    if not _SELECT.match(select):
        raise _refused(
            "only SELECT, WITH, EXPLAIN of them, SHOW TABLES, SHOW CREATE TABLE, SHOW COLUMNS, "
            "DESCRIBE TABLE and EXISTS TABLE can be asked here"
        )
    _check_select(database, select)
    return text


def _rewrite(database: Database, statement: str) -> str:
    if len(statement) > LONGEST_STATEMENT:
        raise QueryLimitError(f"a statement may have {LONGEST_STATEMENT} characters")
    if "\0" in statement or _SURROGATE.search(statement):
        raise _refused("a statement has no zero bytes and no halves of surrogate pairs")
    try:
        rows = database.query(query_text("format_statement"), {"statement": statement}).rows
    except StoreError as error:
        raise _refused(_reason(error)) from error
    return str(rows[0][0])


def _check_select(database: Database, select: str) -> None:
    try:
        tree = database.read_only(
            query_text("parse_select").replace("${SELECT}", select), "TabSeparatedRaw"
        ).decode(errors="replace")
    except StoreError as error:
        if error.code == _SYNTAX_ERROR:  # it was right as a statement, and is not as a sub-query
            raise _refused(
                "FORMAT and INTO OUTFILE cannot be used here; `format` says how to answer"
            ) from error
        raise _refused(_reason(error)) from error
    functions = set()
    for kind, name, parent in _nodes(tree):
        if kind == "Function" and parent == "TableExpression":
            if name.lower() not in _TABLE_FUNCTIONS:
                raise _refused(f"the table function {name!r} cannot be used here")
        elif kind == "Function":
            functions.add(name.lower())
        elif kind in {"TableIdentifier", "Identifier"}:
            _check_table(name, database.name, is_table=kind == "TableIdentifier")
        elif kind not in _NODES:
            word = "SETTINGS" if kind == "Set" else kind
            raise _refused(f"{word} cannot be used here")
    _check_functions(database, functions - _SPECIAL_FUNCTIONS)


def _nodes(tree: str) -> Iterator[tuple[str, str, str]]:
    """Each node's kind, its name and its parent's kind.

    A line break in an alias or identifier looks like one more node, which can only lead to a
    refusal: no line of the real tree goes missing by it.
    """
    above: dict[int, str] = {}
    for line in tree.splitlines():
        match = _NODE.match(line)
        if match is None:
            if not line.strip():
                continue
            raise _refused(f"{line.strip()!r} cannot be used here")
        depth, kind = len(match[1]), match[2]
        above[depth] = kind
        yield kind, _DETAILS.sub("", " " + (match[3] or "")).strip(), above.get(depth - 1, "")


def _check_table(name: str, own: str, *, is_table: bool) -> None:
    """A name with a dot names a database, or, outside of FROM, a column of a table.

    Behind IN, a table looks like a column, so the system's names are refused everywhere.
    """
    database, dot, table = name.partition(".")
    if not dot or (is_table and database == own):
        return
    if database.lower() in {"system", "information_schema"}:
        if not (is_table and database == "system" and table in _SYSTEM_TABLES):
            raise _refused(f"the table {name!r} cannot be read here")
    elif is_table:
        raise _refused(f"the database {database!r} cannot be read here")


def _check_functions(database: Database, names: set[str]) -> None:
    stems = {stem for name in names for stem in _stems(name)}
    rows = database.query(query_text("classify_functions"), {"names": sorted(stems)}).dicts()
    known = {row["name"]: row for row in rows}
    for name in sorted(names):
        if name in known:
            is_safe = bool(known[name]["is_safe"])
        else:
            is_safe = any(known[s]["is_aggregate"] for s in _stems(name) if s in known)
        if not is_safe:
            raise _refused(f"the function {name!r} is unknown, or cannot be used here")


def _stems(name: str) -> Iterator[str]:
    """The name, and what is left of it as endings of aggregate functions are taken off."""
    yield name
    for ending in _COMBINATORS:
        if name.endswith(ending) and name != ending:
            yield from _stems(name.removesuffix(ending))


def _reason(error: StoreError) -> str:
    """The engine's words without its numbers, our own text and its version."""
    return _TAIL.sub("", _CODE.sub("", str(error))).strip().rstrip(".:")


def _refused(reason: str) -> InvalidQueryError:
    return InvalidQueryError(reason, field="query")
