"""Certificates: whose are believed, over real TLS."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tamma.errors import ConfigError, Transient
from tamma.model.repository import RepoRef
from tamma.platforms.github.platform import GitHub
from tamma.platforms.interface import PlatformSettings

REPO = RepoRef("git", "octo", "hello")


@dataclass(frozen=True)
class Authority:
    """Someone who signs certificates."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def sign(self, subject: str, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usage = x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .sign(self.key, hashes.SHA256())
        )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"default_branch": "main", "full_name": "octo/hello"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Quiet."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a TLS server, and the file of the authority that signed its certificate."""
    own = ec.generate_private_key(ec.SECP256R1())
    authority = Authority(own, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")]))
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    ca, chain = tmp_path / "ca.pem", tmp_path / "server.pem"
    ca.write_bytes(authority.sign("Tests", own, ca=True).public_bytes(pem))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(
        key.private_bytes(pem, *plain) + authority.sign("localhost", key, ca=False).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"https://localhost:{server.server_port}", ca
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_authority_of_ones_own_is_believed_where_it_is_configured(served: tuple[str, Path]) -> None:
    url, ca = served
    platform = GitHub(PlatformSettings("git", "github", url, "canary", ca_file=str(ca)))
    assert (await platform.get_repository(REPO)).default_branch == "main"
    await platform.close()


async def test_a_certificate_that_nobody_known_signed_is_not(served: tuple[str, Path]) -> None:
    platform = GitHub(PlatformSettings("git", "github", served[0], "canary"))
    with pytest.raises(Transient, match="CERTIFICATE_VERIFY_FAILED"):
        await platform.get_repository(REPO)
    await platform.close()


async def test_a_file_that_holds_no_certificates_is_told_by_its_name(tmp_path: Path) -> None:
    for name, text in (("missing.pem", None), ("empty.pem", "nothing")):
        if text is not None:
            (tmp_path / name).write_text(text)
        platform = GitHub(PlatformSettings("git", "github", ca_file=str(tmp_path / name)))
        with pytest.raises(ConfigError, match=name):
            await platform.start()
