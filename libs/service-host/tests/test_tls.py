import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.wrappers_pb2 import BytesValue

from service_host import client, echo
from service_host.edge import Edge
from service_host.grpc_host import GrpcHost
from service_host.http_host import HttpHost
from service_host.local_issuer import LocalIssuer
from service_host.settings import HostSettings
from service_host_testing import echo_method, refused

HELLO = BytesValue(value=b"hello")
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def secured(settings: HostSettings, tmp_path: Path) -> HostSettings:
    """Settings with a certificate for 127.0.0.1 that only who is given it trusts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, FIRST, LAST)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*form))
    (tmp_path / "certificate.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    files = {"tls_key": str(tmp_path / "key.pem"), "tls_certificate": str(tmp_path / "certificate.pem")}
    return settings.model_copy(update={**files, "http_address": "127.0.0.1:0"})


async def test_grpc_is_encrypted_for_those_who_trust_the_certificate(
    secured: HostSettings, issuer: LocalIssuer
) -> None:
    host = GrpcHost(Edge(secured, echo.POLICY))
    host.add(echo.add_echo_to_server, echo.Echo())
    await host.start()
    token = issuer.mint("acme", "tester", scopes=[echo.SCOPE])
    async with client.connect(host.address, token=token, ca_certificate=Path(secured.tls_certificate)) as channel:
        assert await echo_method(channel, "Say")(HELLO) == HELLO
    async with client.connect(host.address, token=token) as plain:
        assert (await refused(echo_method(plain, "Say")(HELLO))).reason == "UNAVAILABLE"
    await host.stop(timedelta(0))


async def test_http_is_encrypted_for_those_who_trust_the_certificate(
    secured: HostSettings, issuer: LocalIssuer
) -> None:
    host = HttpHost(Edge(secured, echo.POLICY), title="test")
    host.app.include_router(echo.router())
    await host.start()
    trust = ssl.create_default_context(cafile=secured.tls_certificate)
    headers = {"authorization": f"Bearer {issuer.mint('acme', 'tester', scopes=[echo.SCOPE])}"}
    async with httpx.AsyncClient(base_url=f"https://{host.address}", verify=trust, headers=headers) as web:
        assert (await web.post("/v1/echo:say", json={"text": "x"})).json() == {"text": "x"}
    await host.stop(timedelta(0))
