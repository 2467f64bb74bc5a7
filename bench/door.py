"""The anchor's database: an embedded engine behind as much of ClickHouse's HTTP door as rotel uses.

`POST /?query=INSERT … FORMAT RowBinary` with the rows as the body, and `POST /?query=SELECT …`. It
is lean on purpose, since its cost counts as the anchor's: a body goes from the socket to a file in
memory, and the engine reads that file in C++ without Python's lock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import queue
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import clickhouse_connect

_TABLES: Final = Path(__file__).parent / "tables.sql"
_STOCK_SETTINGS: Final = "ttl_only_drop_parts = 1"
_MONITOR_SETTINGS: Final = "min_rows_for_wide_part = 100000, min_parts_to_merge_at_once = 20"
_MEMORY_LIMIT: Final = 2 * 2**30  # as the monitor's


class Engine:
    """A few connections, and a thread for each."""

    def __init__(self, directory: Path, writers: int, *, tuned: bool) -> None:
        options: dict[str, Any] = {
            "max_server_memory_usage": _MEMORY_LIMIT,
            "mark_cache_size": _MEMORY_LIMIT // 16,
            "index_mark_cache_size": _MEMORY_LIMIT // 32,
        }
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(writers + 1)
        self._spool = Path(tempfile.mkdtemp(prefix="door-", dir="/dev/shm"))
        self._number = 0
        open_client = partial(
            clickhouse_connect.get_client,
            interface="chdb",
            path=str(directory),
            chdb_options=options,
        )
        first = open_client()
        tables = _TABLES.read_text(encoding="utf-8")
        if tuned:
            tables = tables.replace(_STOCK_SETTINGS, f"{_STOCK_SETTINGS}, {_MONITOR_SETTINGS}")
        for statement in tables.split(";\n"):
            if statement.strip():
                first.command(statement)
        first.close()
        for _ in range(writers + 1):
            self._free.put(open_client(database="otel"))

    def spool(self) -> Path:
        """A new file in memory for one body."""
        self._number += 1
        return self._spool / str(self._number)

    async def insert(self, query: str, rows: Path) -> None:
        into, _, output_format = query.rpartition("FORMAT")
        statement = (
            f"{into} FROM INFILE '{rows}' SETTINGS max_insert_threads = 1, max_threads = 1, "
            f"input_format_parallel_parsing = 0 FORMAT {output_format}"
        )
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._insert, statement, rows)

    async def select(self, query: str) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._select, query)

    def close(self) -> None:
        self._threads.shutdown()
        while not self._free.empty():
            self._free.get().close()
        for left in self._spool.iterdir():
            left.unlink()
        self._spool.rmdir()

    def _insert(self, statement: str, rows: Path) -> None:
        client = self._free.get()
        try:
            client.command(statement)
        finally:
            self._free.put(client)
            rows.unlink()

    def _select(self, query: str) -> bytes:
        client = self._free.get()
        try:
            return client.raw_query(query, fmt="JSONCompactEachRow")
        finally:
            self._free.put(client)


async def answer(
    engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection, one request after the other, until the other side closes it."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            request_line, *lines = head.decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            query = parse_qs(urlsplit(request_line.split(" ")[1]).query).get("query", [""])[0]
            rows = engine.spool()
            with rows.open("wb") as file:
                await _receive(reader, headers, file)
            status, body = await _serve(engine, query, rows)
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve(engine: Engine, query: str, rows: Path) -> tuple[bytes, bytes]:
    try:
        if query.lstrip().upper().startswith("INSERT"):
            await engine.insert(query, rows)
            return b"200 OK", b""
        return b"200 OK", await engine.select(query)
    except Exception as error:  # noqa: BLE001 - the client is told, and the benchmark's count fails
        print(f"door: {error}", flush=True)
        return b"500 Internal Server Error", str(error).encode()


async def _receive(reader: asyncio.StreamReader, headers: dict[str, str], file: Any) -> None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await _copy(reader, size, file)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        await _copy(reader, int(headers.get("content-length", "0")), file)


async def _copy(reader: asyncio.StreamReader, size: int, file: Any) -> None:
    while size:
        data = await reader.read(min(size, 2**20))
        if not data:
            raise asyncio.IncompleteReadError(b"", size)
        file.write(data)
        size -= len(data)


async def _main(directory: Path, ready_file: Path, writers: int, *, tuned: bool) -> None:
    engine = Engine(directory, writers, tuned=tuned)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(15, stop.set)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(engine, reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**21)
    port = server.sockets[0].getsockname()[1]
    draft = ready_file.with_suffix(".new")
    draft.write_text(json.dumps({"http": f"127.0.0.1:{port}", "pid": os.getpid()}))
    draft.replace(ready_file)
    await stop.wait()
    server.close()
    engine.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.door", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--writers", type=int, default=2, help="inserts at once, as the monitor's")
    parser.add_argument("--tuned", action="store_true", help="table settings of the monitor's")
    options = parser.parse_args()
    asyncio.run(_main(options.data_dir, options.ready_file, options.writers, tuned=options.tuned))
