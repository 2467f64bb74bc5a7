"""The commands that ask a running process, against the real application on a port of its own."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
import typer
from click.testing import Result
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from otel_agentmon.api.application import create_application
from otel_agentmon.api.config import ApiConfig
from otel_agentmon.api.server import ApiServer
from otel_agentmon.app import client_commands
from otel_agentmon.app.client import ClientError
from otel_agentmon.query.traces import MOST_TRACES
from tests.clock import ManualClock
from tests.database import fresh_database
from tests.query.builders import (
    BASE,
    SECOND,
    SpanRow,
    chat,
    insert_log,
    insert_spans,
    run,
    trace_id,
)

_HOSTILE = "[red]x[/red] \x1b[2J\x9b1m \u202eabc"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of an application with three traces, in a thread of its own."""
    database = fresh_database("app_client")
    insert_spans(
        database,
        [
            run("planner", trace=1, duration=65 * SECOND),
            chat(trace=1, span=2, parent=1, cost="0.25", duration=1_200_000),
            chat(trace=1, span=3, parent=1, status="Error", message="quota", start=5),
            run("writer", trace=1, span=4, parent=99, start=6),
            chat(trace=2, start=SECOND, service="lonely"),
            SpanRow(trace=3, start=2 * SECOND, name=_HOSTILE, status="Error", message=_HOSTILE),
        ],
    )
    insert_log(database, f"log {_HOSTILE}", trace=3, start=2 * SECOND)
    clock = ManualClock(unix_nano=BASE + 60 * SECOND)
    config = ApiConfig(address="127.0.0.1:0", concurrent_questions=1)
    server = ApiServer(
        create_application(database, CollectorRegistry(), list, config, clock), config
    )
    running: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = (
        queue.SimpleQueue()
    )

    async def serve() -> None:
        await server.start()
        stop = asyncio.Event()
        running.put((asyncio.get_running_loop(), stop))
        await stop.wait()
        await server.stop(1.0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="served api")
    thread.start()
    loop, stop = running.get(timeout=10)
    address = f"http://127.0.0.1:{server.port}"
    httpx.get(f"{address}/api/v1/agents", trust_env=False)
    yield address
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


def invoke(url: str, *arguments: str) -> Result:
    """Run one command as the shell would, on a terminal that is no terminal."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    client_commands.register(app)
    return CliRunner().invoke(app, [*arguments], env={"AGENTMON_URL": url})


def output(url: str, *arguments: str) -> str:
    """What a command that succeeds writes."""
    result = invoke(url, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def failure(url: str, *arguments: str) -> str:
    """The one line of a command that fails."""
    result = invoke(url, *arguments)
    assert isinstance(result.exception, ClientError), result.output
    line = str(result.exception)
    assert "\n" not in line
    return line


def test_traces_are_a_table(url: str) -> None:
    """Newest first; a cost that is partly known is a lower bound, an unknown one no number."""
    lines = output(url, "traces").splitlines()

    assert lines[0].split() == [
        *("trace", "start", "name", "agents", "duration", "spans", "errors"),
        *("tokens", "in", "out", "cost"),
    ]
    assert [line.split()[0] for line in lines[1:]] == [trace_id(3), trace_id(2), trace_id(1)]
    assert "1 m 05 s" in lines[3]
    assert lines[3].endswith("≥ $0.2500")
    assert "planner, writer" in lines[3]
    assert lines[2].rstrip().endswith("?")
    assert "$0.00" not in lines[2]


def test_traces_pass_every_filter_on(url: str) -> None:
    """The API answers each of them, so none is dropped or misspelt on the way."""
    names = (
        *("agent", "model", "tool", "conversation", "service", "text"),
        *("status", "min-duration", "min-cost", "start", "end", "limit"),
    )
    values = ["planner", "test-model", "", "", "svc", "QUOTA", "error", "1m", "0.1", "-1h", "now"]
    options = [f"--{name}={value}" for name, value in zip(names, [*values, "1"], strict=True)]

    page = json.loads(output(url, "traces", "--json", *options))

    assert [trace["trace_id"] for trace in page["traces"]] == [trace_id(1)]
    for option in ("--tool=x", "--conversation=x", "--agent=x", "--end=-1h", "--min-cost=9"):
        assert output(url, "traces", option) == "No traces match.\n"


def test_the_next_page_is_named(url: str) -> None:
    """On standard error, so that the table can be piped on."""
    first = invoke(url, "traces", "--limit", "1")
    cursor = first.stderr.split("--cursor ")[1].strip()

    second = output(url, "traces", "--limit", "1", "--cursor", cursor)

    assert trace_id(3) in first.stdout
    assert second.splitlines()[1].startswith(trace_id(2))


def test_a_trace_is_a_tree(url: str) -> None:
    """With durations, tokens, cost and errors; what has lost its parent is marked."""
    lines = output(url, "trace", trace_id(1)).splitlines()

    assert lines[0].startswith(trace_id(1))
    assert lines[0].endswith("4 spans  1 errors  200 in / 20 out  ≥ $0.2500")
    assert lines[1].endswith("── invoke_agent planner  1 m 05 s")
    assert lines[2].endswith("chat test-model  1.2 ms  100 in / 10 out  $0.2500")
    assert lines[3].endswith("chat test-model  1.0 s  100 in / 10 out  ?  ✗ quota")
    assert lines[4].endswith("invoke_agent writer  1.0 s  (its parent is not here)")
    assert lines[2].index("chat") > lines[1].index("invoke_agent")


@pytest.mark.parametrize("arguments", [["traces"], ["trace", trace_id(3)], ["traces", "--json"]])
def test_text_from_agents_cannot_drive_the_terminal(url: str, arguments: list[str]) -> None:
    """Markup stands as it was written; control and reordering characters are gone or escaped."""
    text = output(url, *arguments)

    assert "[red]x[/red]" in text
    assert not set(text) & {"\x1b", "\x9b", "\u202e"}


def test_json_is_the_apis_answer(url: str) -> None:
    """Nothing is lost by the escapes."""
    trace = json.loads(output(url, "trace", trace_id(3), "--json"))

    assert trace["spans"][0]["name"] == _HOSTILE
    assert trace["logs"][0]["body"] == f"log {_HOSTILE}"


def test_agents_are_a_table(url: str) -> None:
    """A service whose spans name no agent stands in brackets."""
    lines = output(url, "agents", "--since", "1h").splitlines()
    agents = json.loads(output(url, "agents", "--json"))["agents"]

    assert [line.split()[0] for line in lines[1:]] == ["planner", "writer", "(lonely)"]
    assert "≥ $0.2500" in lines[1]
    assert " ? " in lines[3]
    assert [agent["agent"] for agent in agents] == ["planner", "writer", "lonely"]
    assert output(url, "agents", "--since", "1s") == "No agents were seen.\n"


def test_top_shows_everything_once(url: str) -> None:
    """One line for all agents together, then the agents."""
    lines = output(url, "top", "--once").splitlines()

    assert lines[0] == ("last 1h · 2 runs · 0 errors · 300 tokens in · 30 out · cost ≥ $0.2500")
    assert lines[2].startswith("planner")


def test_top_ends_quietly_on_ctrl_c(url: str) -> None:
    """It draws, is interrupted, and leaves the terminal as it was."""
    program = (
        "import typer; from otel_agentmon.app import client_commands; app = typer.Typer(); "
        "client_commands.register(app); app()"
    )
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, "top"],
        env={**os.environ, "AGENTMON_URL": url, "TERM": "xterm", "COLUMNS": "200"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while b"planner" not in shown:
        shown += os.read(reader, 65536)
    process.send_signal(signal.SIGINT)

    rest = b""
    with open(reader, "rb", buffering=0) as stream:
        try:
            while chunk := stream.read(65536):
                rest += chunk
        except OSError:
            pass  # a terminal whose program has ended
    assert process.wait(10) == 0, rest
    assert b"Traceback" not in rest
    assert b"\x1b[?25h" in rest  # the cursor is shown again


@pytest.mark.parametrize(
    ("output_format", "expected"),
    [
        ("table", "a  b\n1  NULL\n1 rows\n"),
        ("csv", '"a","b"\n1,\\N\n'),
        ("tsv", "a\tb\n1\t\\N\n"),
        ("jsonl", '{"a":1,"b":null}\n'),
        ("JSONCompactEachRow", "[1, null]\n"),
    ],
)
def test_sql_is_answered_in_the_format_asked_for(
    url: str, output_format: str, expected: str
) -> None:
    """A table for people, and ClickHouse's formats for programs."""
    text = output(url, "sql", "select 1 as a, null as b", "--format", output_format)

    assert [line.rstrip() for line in text.splitlines()] == expected.splitlines()


def test_sql_in_json_is_clickhouses_answer(url: str) -> None:
    """With the names and types of the columns."""
    answer = json.loads(output(url, "sql", "select 1 as a", "--format", "json"))

    assert answer["meta"] == [{"name": "a", "type": "UInt8"}]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trace", "f" * 32], f"there is no trace {'f' * 32}"),
        (["trace", "xyz"], "trace_id: 'xyz' is not a trace id; write 32 hex digits"),
        (["traces", "--limit", str(MOST_TRACES + 1)], "limit: Input should be less than"),
        (["traces", "--start", "soon"], "start: 'soon' is not a time"),
        (["agents", "--since", "soon"], "start: 'soon' is not a duration"),
        (["sql", "select file('x')"], "query: the function 'file'"),
        (["sql", "select 1", "--format", "xml"], "format: 'xml' is not one of"),
    ],
)
def test_what_the_api_refuses_is_one_line(url: str, arguments: list[str], expected: str) -> None:
    """With the field and the remedy."""
    assert expected in failure(url, *arguments)


def test_where_nothing_listens_is_said_with_the_remedy() -> None:
    """Naming the address and the command that starts it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    line = failure(f"http://127.0.0.1:{port}", "agents")

    assert line.startswith(f"nothing listens on http://127.0.0.1:{port} (")
    assert "agentmon up" in line


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "127.0.0.1:8000"])
def test_what_is_no_address_is_said(address: str) -> None:
    """With an example of one."""
    assert "http://127.0.0.1:8000" in failure(address, "agents")


def test_something_else_that_listens_there_is_told_apart(url: str) -> None:
    """A path that the process does not have is answered like another program would."""
    assert failure(f"{url}/elsewhere", "agents") == "Not Found"
