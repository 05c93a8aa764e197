"""An authority of a test's own, and a server's certificate that it signed for this machine's loopback."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_Builder = x509.CertificateBuilder


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path, *names: str) -> Certificates:
    """Valid for `names`, by default localhost and 127.0.0.1, for a day."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Test authority", "server")
    )
    authority = _builder(issuer, issuer, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names or ("localhost",)]
    if not names:
        alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    server = _builder(issuer, subject, key).add_extension(
        x509.SubjectAlternativeName(alternatives), critical=False
    )
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    for builder, path in ((authority, made.authority), (server, made.certificate)):
        signed = builder.sign(authority_key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _builder(issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> _Builder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        _Builder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
