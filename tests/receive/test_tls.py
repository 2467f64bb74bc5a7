"""Both doors behind TLS, with and without client certificates."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from otel_agentmon.receive.config import ReceiveConfig
from otel_agentmon.receive.grpc import SERVICES
from otel_agentmon.signals import Signal
from tests.receive.payloads import ONE_OF_EACH
from tests.receive.running import House, running_house
from tests.receive.sinks import RecordingSink

TRACES = ONE_OF_EACH[Signal.TRACES].SerializeToString()
URL = "https://127.0.0.1:{}/v1/traces"


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as objects and as files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: Path
    key_file: Path


def issue(folder: Path, name: str, issuer: Issued | None = None) -> Issued:
    """A certificate for 127.0.0.1, its own authority unless `issuer` signs it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Issued(certificate, key, cert_file, key_file)


@dataclass(frozen=True)
class Authority:
    """What a test of TLS needs."""

    ca: Issued
    server: Issued
    client: Issued
    stranger: Issued

    def settings(self, *, mutual: bool) -> dict[str, Any]:
        """The `tls:` settings of the receiver."""
        tls = {"cert_file": self.server.cert_file, "key_file": self.server.key_file}
        return tls | ({"client_ca_file": self.ca.cert_file} if mutual else {})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates made once for all tests."""
    folder = tmp_path_factory.mktemp("tls")
    ca = issue(folder, "ca")
    server, client = (issue(folder, name, ca) for name in ("server", "client"))
    return Authority(ca, server, client, issue(folder, "stranger"))


async def send_grpc(house: House, ca: Issued, client: Issued | None) -> bytes:
    credentials = grpc.ssl_channel_credentials(
        ca.cert_file.read_bytes(),
        client.key_file.read_bytes() if client else None,
        client.cert_file.read_bytes() if client else None,
    )
    address = f"127.0.0.1:{house.receiver.grpc.port}"
    async with grpc.aio.secure_channel(address, credentials) as channel:
        call = channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Export")
        return bytes(await call(TRACES, timeout=5))


async def send_http(house: House, ca: Issued, client: Issued | None) -> int:
    context = ssl.create_default_context(cafile=str(ca.cert_file))
    if client:
        context.load_cert_chain(client.cert_file, client.key_file)
    async with httpx.AsyncClient(verify=context) as session:
        response = await session.post(
            URL.format(house.receiver.http.port),
            content=TRACES,
            headers={"content-type": "application/x-protobuf"},
        )
    return response.status_code


def test_both_doors_speak_tls(authority: Authority) -> None:
    """A sender that knows the authority is served by either."""
    sink = RecordingSink()

    async def test(house: House) -> None:
        assert await send_grpc(house, authority.ca, None) == b""
        assert await send_http(house, authority.ca, None) == 200

    running_house(test, sink, tls=authority.settings(mutual=False))

    assert len(sink.taken) == 2


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_mutual_tls_lets_in_only_the_authoritys_clients(authority: Authority, who: str) -> None:
    """No certificate, or one of another authority, does not even get to speak."""
    sink = RecordingSink()
    wrong = None if who == "nobody" else authority.stranger

    async def test(house: House) -> None:
        with pytest.raises(grpc.aio.AioRpcError):
            await send_grpc(house, authority.ca, wrong)
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await send_http(house, authority.ca, wrong)
        assert sink.taken == []
        assert await send_grpc(house, authority.ca, authority.client) == b""
        assert await send_http(house, authority.ca, authority.client) == 200

    running_house(test, sink, tls=authority.settings(mutual=True))


def test_tls_alone_is_no_authentication_but_mutual_tls_is(authority: Authority) -> None:
    """A server certificate says who we are, not who is sending."""
    outside = {"grpc": {"address": "0.0.0.0:1"}}

    with pytest.raises(ValidationError, match="nothing asks who"):
        ReceiveConfig.model_validate(outside | {"tls": authority.settings(mutual=False)})
    ReceiveConfig.model_validate(outside | {"tls": authority.settings(mutual=True)})


def test_files_that_do_not_fit_are_a_configuration_error(
    authority: Authority, tmp_path: Path
) -> None:
    """Not a certificate, a key of another certificate, a key with a password, no authority."""
    empty = tmp_path / "empty.pem"
    empty.write_text("not a certificate")
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        authority.server.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    good = authority.settings(mutual=True)

    for field, path in (
        ("cert_file", empty),
        ("key_file", authority.client.key_file),
        ("key_file", locked),
        ("client_ca_file", empty),
    ):
        with pytest.raises(ValidationError, match=r"receive\.tls: the certificates cannot be used"):
            ReceiveConfig.model_validate({"tls": good | {field: path}})
