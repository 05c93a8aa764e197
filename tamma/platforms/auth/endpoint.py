"""One question to an authorisation server: a new access token for a refresh token (RFC 6749, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from tamma.errors import BadCredentials, ConfigError, PlatformError, PlatformRateLimited, Transient
from tamma.model.hosts import is_loopback
from tamma.platforms.http.address import tls
from tamma.platforms.http.limits import retry_after
from tamma.platforms.http.transport import proxied_client
from tamma.platforms.interface import OAuthSettings

if TYPE_CHECKING:
    import httpx2

LONGEST = 64 * 1024
"""Bytes of an answer."""
_NEVER = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "bad_refresh_token",  # GitHub, with a status of 200
        "incorrect_client_credentials",
    }
)


@dataclass(frozen=True, slots=True)
class Renewed:
    """The server's answer (RFC 6749, section 5.1)."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    """None: the old one stays."""
    expires_in: float | None
    """Seconds; None: the server does not say."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where one account's tokens are renewed, and how to get there."""

    platform_id: str
    settings: OAuthSettings
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float = 30.0

    async def renew(self, refresh_token: str, now: float) -> Renewed:
        """Ask once. Raises BadCredentials where the server refuses for good, Transient and
        PlatformRateLimited where it may answer later, ConfigError for an address that is not safe."""
        import httpx2

        self._check_address()
        # In the body, as GitHub documents it alone; Basic would be the other way (section 2.3.1).
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.settings.client_id,
        }
        if self.settings.client_secret is not None:
            form["client_secret"] = self.settings.client_secret
        try:
            async with proxied_client(
                headers={"accept": "application/json", "user-agent": "tamma"},
                timeout=self.timeout,
                follow_redirects=False,  # the secrets are for this address
                verify=tls(self.ca_file),
                proxy=self.proxy,
            ) as client:
                status, content, headers = await self._post(client, form)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._transient(f"no answer ({type(error).__name__})") from None
        return self._understood(status, _fields(content), headers, now)

    async def _post(
        self, client: httpx2.AsyncClient, form: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        content = b""
        async with client.stream("POST", self.settings.token_url, data=dict(form)) as answer:
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > LONGEST:
                    raise self._transient(f"its answer is larger than {LONGEST} bytes")
        return answer.status_code, content, {name.lower(): it for name, it in answer.headers.items()}

    def _understood(
        self, status: int, fields: Mapping[str, Any], headers: Mapping[str, str], now: float
    ) -> Renewed:
        token = fields.get("access_token")
        if status == 200 and isinstance(token, str) and token:
            fresh = fields.get("refresh_token")
            return Renewed(token, fresh if isinstance(fresh, str) and fresh else None, _seconds(fields))
        error = fields.get("error")
        if status == 429:
            raise PlatformRateLimited(
                f"{self._where()} asks for a pause",
                retry_after=retry_after(headers, now),
                platform=self.platform_id,
                status=status,
            )
        if isinstance(error, str) and error in _NEVER:
            raise BadCredentials(
                f"{self._where()} refuses to renew the token of {self.platform_id!r}: {error}",
                hint="authorise Tamma anew and configure the new refresh token; an old one ends when it is "
                "used, revoked, or not used for long",
                platform=self.platform_id,
                status=status,
            )
        if status >= 500 or status == 408:
            raise self._transient(f"it answers with {status}")
        what = f"it answers with {status}" + (f" ({error[:60]!r})" if isinstance(error, str) else "")
        raise PlatformError(
            f"{self._where()} does not renew the token of {self.platform_id!r}: {what}",
            hint="is credentials.tokenUrl the address for tokens?",
            platform=self.platform_id,
            status=status,
        )

    def _transient(self, why: str) -> Transient:
        return Transient(
            f"{self._where()} could not be asked for a new token of {self.platform_id!r}: {why}",
            hint="it is tried again",
            platform=self.platform_id,
        )

    def _where(self) -> str:
        return f"the authorisation server {urlsplit(self.settings.token_url).netloc.rpartition('@')[2]!r}"

    def _check_address(self) -> None:
        parts = urlsplit(self.settings.token_url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not safe or "@" in parts.netloc:
            raise ConfigError(
                f"the tokenUrl of {self.platform_id!r} is not an https address",
                hint="secrets are sent there: https is for any server, http for this machine alone",
            )


def _fields(content: bytes) -> Mapping[str, Any]:
    import json

    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _seconds(fields: Mapping[str, Any]) -> float | None:
    """`expires_in`, which some servers write as text."""
    try:
        seconds = float(fields.get("expires_in") or 0)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 1e10 else None
