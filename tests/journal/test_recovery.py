"""What is found on disk at start."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from otel_agentmon.journal.disk import OsDisk
from otel_agentmon.journal.recovery import QUARANTINE, Recovered, recover
from otel_agentmon.journal.segment import FRAME_BYTES, HEADER_BYTES
from otel_agentmon.journal.telemetry import JournalTelemetry
from otel_agentmon.signals import Signal
from tests.journal.builders import (
    make_payload,
    make_telemetry,
    make_writer,
    read_texts,
    write_segment,
)
from tests.journal.simulated_disk import SimulatedDisk

PAYLOADS = [make_payload(text) for text in ("one", "two", "three")]
SECOND = HEADER_BYTES + FRAME_BYTES + len(PAYLOADS[0])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / QUARANTINE).mkdir()
    return tmp_path


def recover_now(directory: Path) -> tuple[Recovered, JournalTelemetry]:
    telemetry = make_telemetry()
    return recover(directory, OsDisk(), telemetry), telemetry


def found_texts(recovered: Recovered) -> list[list[bytes]]:
    return [read_texts(segment.path.read_bytes()) for segment, _ in recovered.segments]


def damage(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("is_open", [True, False])
def test_every_segment_is_found_by_number(directory: Path, is_open: bool) -> None:
    """Open ones are closed, and all are marked as recovered."""
    write_segment(directory, PAYLOADS[1:], 8, is_open=is_open)
    write_segment(directory, PAYLOADS[:1], 7, is_open=is_open)
    recovered, telemetry = recover_now(directory)

    assert found_texts(recovered) == [[b"one"], [b"two", b"three"]]
    first = recovered.segments[0][0]
    assert (first.number, first.records, first.recovered) == (7, 1, True)
    assert first.size_bytes == first.path.stat().st_size
    assert recovered.highest_number == 8
    assert telemetry.recovered_segments._value.get() == 2


def test_a_torn_tail_is_cut_off(directory: Path) -> None:
    """It was never acknowledged; nothing is kept of it but a number in the metrics."""
    path = write_segment(directory, PAYLOADS, is_open=True)
    path.write_bytes(path.read_bytes()[:-2])
    recovered, telemetry = recover_now(directory)

    assert found_texts(recovered) == [[b"one", b"two"]]
    assert telemetry.torn_bytes._value.get() == FRAME_BYTES + len(PAYLOADS[2]) - 2
    assert telemetry.corrupt_records._value.get() == 0
    assert list((directory / QUARANTINE).iterdir()) == []


def test_a_damaged_record_is_left_out_and_kept_for_a_human(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its neighbours stay, its bytes go to quarantine, and an error is logged."""
    path = write_segment(directory, PAYLOADS)
    damage(path, SECOND + FRAME_BYTES)
    data = path.read_bytes()
    recovered, telemetry = recover_now(directory)

    assert found_texts(recovered) == [[b"one", b"three"]]
    assert telemetry.corrupt_records._value.get() == 1
    kept = (directory / QUARANTINE / f"{path.name}.torn").read_bytes()
    assert kept == data[SECOND : SECOND + FRAME_BYTES + len(PAYLOADS[1])]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_the_cut_tail_of_a_closed_segment_is_a_loss(directory: Path) -> None:
    """All of a closed segment was acknowledged."""
    path = write_segment(directory, PAYLOADS)
    path.write_bytes(path.read_bytes()[:-2])
    recovered, telemetry = recover_now(directory)

    assert found_texts(recovered) == [[b"one", b"two"]]
    assert telemetry.corrupt_records._value.get() == 1
    assert (directory / QUARANTINE / f"{path.name}.torn").exists()


def test_a_segment_without_records_is_removed(directory: Path) -> None:
    """Its number is not given out again all the same."""
    write_segment(directory, [], 9, is_open=True)
    recovered, _ = recover_now(directory)

    assert recovered == Recovered((), 9)
    assert [path.name for path in directory.iterdir()] == [QUARANTINE]


def test_what_we_did_not_write_is_left_alone(directory: Path) -> None:
    """But what an interrupted recovery left is removed."""
    (directory / "lost+found").mkdir()
    (directory / "notes.txt").write_text("mine")
    (directory / "traces-0000000000000001.segment.tmp").write_bytes(b"half")
    recover_now(directory)

    assert {path.name for path in directory.iterdir()} == {QUARANTINE, "lost+found", "notes.txt"}


def test_an_unreadable_segment_goes_to_quarantine(directory: Path) -> None:
    """One bad sector does not keep the process from starting."""

    class BadSector(OsDisk):
        def read(self, path: Path) -> bytes:
            if "0001" in path.name:
                raise OSError(errno.EIO, "bad sector")
            return super().read(path)

    path = write_segment(directory, PAYLOADS, 1)
    write_segment(directory, PAYLOADS, 2)
    telemetry = make_telemetry()
    recovered = recover(directory, BadSector(), telemetry)

    assert [segment.number for segment, _ in recovered.segments] == [2]
    assert (directory / QUARANTINE / path.name).exists()
    assert telemetry.quarantined_segments._value.get() == 1


def test_a_recovered_tail_survives_a_later_power_cut() -> None:
    """Records that a killed process had not synced are safe once they are handed out."""
    folder = Path("/journal")
    for seed in range(20):
        disk = SimulatedDisk(seed)
        writer, _ = make_writer(folder, disk=disk, sync="interval")
        writer.write_batch([(Signal.TRACES, payload) for payload in PAYLOADS])
        disk.end_process(with_power=True)
        recover(folder, disk, make_telemetry())
        disk.sync_directory(folder)
        disk.end_process(with_power=False)
        [(segment, _)] = recover(folder, disk, make_telemetry()).segments

        assert read_texts(disk.read(segment.path)) == [b"one", b"two", b"three"]
