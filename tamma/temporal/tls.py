"""TLS to a Temporal server, from a configuration that names files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tamma.errors import ConfigError

if TYPE_CHECKING:
    from temporalio.service import TLSConfig


class TlsFiles(Protocol):
    """Paths of PEM files; `config.schema.TlsConfig` is one."""

    @property
    def server_name(self) -> str | None: ...
    @property
    def ca(self) -> str | None: ...
    @property
    def client_cert(self) -> str | None: ...
    @property
    def client_key(self) -> str | None: ...


def tls_of(given: bool | TlsFiles | None) -> bool | TLSConfig | None:
    """Certificates from their files. Raises ConfigError where one cannot be read."""
    if given is None or isinstance(given, bool):
        return given
    from temporalio.service import TLSConfig

    return TLSConfig(
        domain=given.server_name,
        server_root_ca_cert=_pem(given.ca),
        client_cert=_pem(given.client_cert),
        client_private_key=_pem(given.client_key),
    )


def _pem(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the certificate {path!r} cannot be read: {error.strerror}", hint="check temporal.tls"
        ) from error
