"""Senders of the OTLP/HTTP door that stop in the middle."""

from __future__ import annotations

import asyncio

from tests.receive.running import House, running_house
from tests.receive.sinks import RecordingSink


def test_a_slow_body_is_given_up() -> None:
    """A sender that stops in the middle is asked to come back after the read timeout."""

    async def test(house: House) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.receiver.http.port)
        writer.write(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\n\r\nhalf"
        )
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert house.count("refused_requests_total", transport="http", reason="slow_body") == 1
        assert house.count("in_flight_bytes") == 0
        return line

    assert b"503" in running_house(test, RecordingSink(), read_timeout="50ms")


def test_a_sender_that_hangs_up_is_counted() -> None:
    """Half a body and a closed connection leave nothing in flight."""

    async def test(house: House) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", house.receiver.http.port)
        writer.write(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\n\r\nhalf"
        )
        while house.count("in_flight_bytes") == 0:  # noqa: ASYNC110 - a gauge has no event
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
        await house.receiver.stop(5)
        assert house.count("refused_requests_total", transport="http", reason="disconnected") == 1
        assert house.count("in_flight_bytes") == 0

    running_house(test, RecordingSink())
