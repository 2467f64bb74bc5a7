"""Fuzzes the way from a body to the payload; `python -m tests.receive.fuzz_intake [corpus]`.

Needs atheris (PyPI), which the project does not install; the entry point itself runs without it.
The first byte of an input chooses signal, form and compression, the rest is the body.
"""

from __future__ import annotations

import gzip
import sys
from collections import Counter

from otel_agentmon.errors import PermanentError
from otel_agentmon.receive.decode import REQUESTS, Content
from otel_agentmon.receive.inflate import Encoding, inflate
from otel_agentmon.receive.intake import prepare
from otel_agentmon.receive.lower import lower
from otel_agentmon.receive.plain import parse_plain
from otel_agentmon.receive.validate import validate
from otel_agentmon.signals import Signal
from tests.receive.payloads import ONE_OF_EACH

_SIGNALS = tuple(Signal)
_LIMIT = 2**22


def fuzz_one(data: bytes) -> bool:
    """Takes one input in; returns whether it was accepted.

    Nothing but a PermanentError may be raised, and what is accepted must parse, hold as many
    items as were counted, break no rule and be one that the database reads as it stands.
    """
    choice, body = data[:1] or b"\0", data[1:]
    signal = _SIGNALS[choice[0] % 3]
    content = Content.JSON if choice[0] & 0x80 else Content.PROTOBUF
    encoding = tuple(Encoding)[choice[0] // 3 % 3]
    try:
        prepared = prepare(signal, inflate(body, encoding, _LIMIT), content)
    except PermanentError:
        return False
    message = REQUESTS[signal].FromString(prepared.payload)
    rejections: Counter[str] = Counter()
    repairs: Counter[str] = Counter()
    assert validate(signal, message, rejections, repairs) == prepared.accepted
    repairs.pop("metric_without_data", None)
    assert not rejections
    assert not repairs
    assert lower(signal, message) == 0
    # Text that looks like an empty list is a false alarm that costs only time.
    assert parse_plain(signal, prepared.payload) is not None or b"\x02*\0" in prepared.payload
    return True


def seeds() -> list[bytes]:
    """One valid input for each signal and encoding."""
    inputs = []
    for index, signal in enumerate(_SIGNALS):
        payload = ONE_OF_EACH[signal].SerializeToString()
        inputs.append(bytes([index]) + payload)
        inputs.append(bytes([index + 3]) + gzip.compress(payload))
    return inputs


def main() -> None:
    """Runs until stopped, or until something breaks."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
