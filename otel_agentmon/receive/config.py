"""What the user writes under `receive:`."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from otel_agentmon.address import is_loopback, split_address
from otel_agentmon.config.room import ByteSize, Duration, RoomConfig

MIB = 2**20


class _DoorConfig(RoomConfig):
    @field_validator("address", check_fields=False)
    @classmethod
    def _address_has_two_parts(cls, value: str) -> str:
        split_address(value)
        return value


class GrpcConfig(_DoorConfig):
    """The OTLP/gRPC door."""

    address: str = "127.0.0.1:4317"
    """Where to listen, `host:port`; port 0 takes a free one."""
    max_concurrent_reads: int = Field(default=32, ge=1, le=4096)
    """Requests whose body is read at the same time; the others wait at the sender. What is being
    read may hold up to this many times `max_request_size` of memory."""


class CorsConfig(RoomConfig):
    """Which browser pages may send telemetry."""

    allowed_origins: tuple[str, ...] = ()
    """Origins such as `https://app.example.com`; `*` allows every page; empty allows none."""
    allowed_headers: tuple[str, ...] = ("authorization", "content-encoding", "content-type")
    """Request headers such a page may set."""
    max_age: Duration = timedelta(minutes=10)
    """How long a browser may keep the answer to its preflight question."""


class HttpConfig(_DoorConfig):
    """The OTLP/HTTP door."""

    address: str = "127.0.0.1:4318"
    """Where to listen, `host:port`; port 0 takes a free one."""
    cors: CorsConfig = CorsConfig()
    """Which browser pages may send telemetry; none unless configured."""


class TlsConfig(RoomConfig):
    """Certificates of both doors."""

    cert_file: Path
    """The server's certificate chain, PEM."""
    key_file: Path
    """The private key of `cert_file`, PEM, without a password."""
    client_ca_file: Path | None = None
    """When set, a sender must show a certificate signed by one of these authorities (mTLS)."""

    @field_validator("cert_file", "key_file", "client_ca_file")
    @classmethod
    def _file_can_be_read(cls, path: Path | None) -> Path | None:
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise ValueError(
                f"{path} cannot be read ({error.strerror}); name a PEM file this user may read"
            ) from error
        return path

    @model_validator(mode="after")
    def _files_can_be_used(self) -> Self:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.cert_file, self.key_file, password="")
            if self.client_ca_file is not None:
                context.load_verify_locations(self.client_ca_file)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(
                f"receive.tls: the certificates cannot be used ({error}); cert_file and key_file"
                " must be one PEM pair without a password, client_ca_file PEM certificates"
            ) from error
        return self


class TokenConfig(RoomConfig):
    """One bearer token a sender may show."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Who uses the token; only for people reading this file."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]
    """SHA-256 of the token in hex: `printf %s "$TOKEN" | sha256sum`. Never the token itself."""


class ReceiveConfig(RoomConfig):
    """How telemetry comes in."""

    grpc: GrpcConfig = GrpcConfig()
    """The OTLP/gRPC door."""
    http: HttpConfig = HttpConfig()
    """The OTLP/HTTP door."""
    tls: TlsConfig | None = None
    """Certificates for both doors; without them both speak plain text."""
    tokens: tuple[TokenConfig, ...] = ()
    """Bearer tokens, one of which every request must carry; empty lets everybody in."""
    max_request_size: ByteSize = Field(default=64 * MIB, ge=1024, le=1024 * MIB)
    """Largest request, as received and after decompression."""
    max_in_flight: ByteSize = Field(default=512 * MIB, ge=1024)
    """Bytes of requests held at once by both doors; beyond it senders are asked to come back."""
    memory_limit: ByteSize = Field(default=4096 * MIB, ge=0)
    """Resident memory of the process above which senders are asked to come back; 0 is no limit."""
    read_timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """How long the body of one request may take to arrive."""

    @model_validator(mode="after")
    def _beyond_loopback_needs_authentication(self) -> Self:
        if self.tokens or (self.tls is not None and self.tls.client_ca_file is not None):
            return self
        for field, address in (
            ("receive.grpc.address", self.grpc.address),
            ("receive.http.address", self.http.address),
        ):
            if not is_loopback(split_address(address)[0]):
                raise ValueError(
                    f"{field}: {address!r} can be reached from other machines and nothing asks who"
                    " is sending; add receive.tokens or receive.tls.client_ca_file, or listen on"
                    " 127.0.0.1"
                )
        return self

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_in_flight < 2 * self.max_request_size:
            raise ValueError(
                f"receive.max_in_flight: {self.max_in_flight} bytes cannot hold one request as"
                f" received and decompressed; make it at least twice receive.max_request_size"
                f" ({self.max_request_size} bytes)"
            )
        return self
