"""Where an account's service is, and how its certificate is checked."""

from __future__ import annotations

import ssl
from functools import lru_cache
from urllib.parse import urlsplit

from tamma.errors import ConfigError
from tamma.model.hosts import is_loopback
from tamma.platforms.interface import PlatformSettings


def base_url(settings: PlatformSettings, default: str | None = None) -> str:
    """The API's address without a slash at its end. Raises ConfigError where it is none, or not safe.

    Plain http shows the token to everybody on the way: it is for this machine, or has to be allowed.
    """
    given = settings.base_url or default
    if given is None:
        raise ConfigError(
            f"platform {settings.id!r} has no address", hint='set "baseUrl" of its entry in the configuration'
        )
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"platform {settings.id!r}: the baseUrl is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            f"platform {settings.id!r}: the baseUrl is not an http(s) address of a server",
            hint="write it like https://git.example.com",
        )
    if parts.username or parts.password:
        raise ConfigError(
            f"platform {settings.id!r}: the baseUrl carries credentials",
            hint="take them out and configure the account's credentials",
        )
    allowed = settings.options.get("allowInsecureHttp") is True
    if parts.scheme == "http" and not is_loopback(parts.hostname) and not allowed:
        raise ConfigError(
            f"platform {settings.id!r}: plain http to {parts.hostname!r} would show the token to all",
            hint='use https, or set "options": {"allowInsecureHttp": true} for a network you trust',
        )
    return given.rstrip("/")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what credentials are for."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or {"https": 443, "http": 80}.get(parts.scheme),
    )


@lru_cache(maxsize=16)
def tls(ca_file: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, by the system's authorities and those of `ca_file`. Raises ConfigError.

    Kept: reading the certificates of the world takes 100 ms.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"the certificates of caFile {ca_file!r} cannot be read: {error}",
                hint="give the path of a PEM file",
            ) from error
    return context
