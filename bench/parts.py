"""Weighs the trace tables of a database: as they lie there, and merged into one part a day.

A process of its own, because one process opens one database.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import clickhouse_connect

_WEIGH = (
    "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts "
    "WHERE active AND database = 'otel' AND startsWith(table, 'otel_traces') GROUP BY table"
)


def weigh(client: Any) -> dict[str, dict[str, int]]:
    return {
        table: {"rows": rows, "bytes": size, "parts": parts}
        for table, rows, size, parts in client.query(_WEIGH).result_rows
    }


def main(folder: Path) -> None:
    client = clickhouse_connect.get_client(interface="chdb", path=str(folder), database="otel")
    loaded = weigh(client)
    for table in loaded:
        client.command(f"OPTIMIZE TABLE `{table}` FINAL")
    print(json.dumps({"loaded": loaded, "merged": weigh(client)}))
    client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
