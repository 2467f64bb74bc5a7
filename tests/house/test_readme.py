"""What README.md tells people to type works."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.checkout import ROOT
from tests.house.readme import WAYS, Block, parse_blocks, read_blocks
from tests.house.running import RunningMonitor

NOT_RUN = {
    "instrument": "installs packages that an agent's own project brings along",
    "server": "needs a ClickHouse server",
}
COMMAND_SECONDS = 60

BLOCKS = read_blocks()


def block_id(block: Block) -> str:
    return f"line-{block.line}"


def blocks(*ways: str) -> list[Block]:
    return [block for block in BLOCKS if block.way in ways]


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    """One monitor for all the commands that need one beside them."""
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


def test_every_block_says_how_it_is_tested() -> None:
    """A block without a comment, or with a word nobody reads, is not tested without notice."""
    assert BLOCKS
    assert [block.line for block in BLOCKS if block.way not in WAYS] == []


def test_every_block_that_is_not_run_has_a_reason() -> None:
    """The reasons are here, by name, and none is left over."""
    assert {block.name for block in blocks("not-run")} == set(NOT_RUN)


@pytest.mark.acceptance
@pytest.mark.parametrize("block", blocks("run"), ids=block_id)
def test_commands_beside_a_monitor_succeed(
    block: Block, monitor: RunningMonitor, tmp_path: Path
) -> None:
    """Each line of the block ends well, against a monitor as the README has started it."""
    commands = ["bash", "-euo", "pipefail", "-c", monitor.localize(block.commands)]
    done = subprocess.run(
        commands,
        cwd=tmp_path,
        env=monitor.environ(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )

    told = f"{done.stdout}\n{done.stderr}\nmonitor:\n{monitor.output}"
    assert done.returncode == 0, told
    assert "while exporting" not in done.stderr, told  # an SDK complains and exits with 0


@pytest.mark.acceptance
@pytest.mark.parametrize("block", blocks("starts", "starts-in-checkout"), ids=block_id)
def test_commands_that_start_the_monitor_do(block: Block, tmp_path: Path) -> None:
    """The monitor becomes ready, says its addresses, and stops in order when it is asked to."""
    cwd = ROOT if block.way == "starts-in-checkout" else tmp_path
    commands = ["bash", "-euo", "pipefail", "-c", block.commands]
    with RunningMonitor(tmp_path, commands, cwd) as running:
        assert str(running.ready["otlp_grpc"]) in running.output


def test_blocks_are_found_with_their_comments() -> None:
    """The reader of the README sees what a person sees."""
    document = (
        "# A\n<!-- test: run -->\n```bash\none\ntwo\n```\n\n```bash\nthree\n```\n```\nx\n```\n"
    )

    assert parse_blocks(document) == [
        Block(line=3, commands="one\ntwo\n", way="run", name=""),
        Block(line=8, commands="three\n", way="", name=""),
    ]
