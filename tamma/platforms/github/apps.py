"""Tokens of a GitHub App: an hour for one installation each, made from the App's private key.

githubkit signs the App's own requests. What is then done with the token goes the way of every other token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

from tamma.errors import BadCredentials, ConfigError, PlatformError, PlatformRateLimited, Transient
from tamma.platforms.http.address import tls
from tamma.platforms.interface import PlatformSettings
from tamma.telemetry.redaction import remember_secret

RENEW_BEFORE = timedelta(minutes=10)
"""Before a token's end: git takes it along for a whole clone or push."""


class _Signed(Protocol):
    """What we use of githubkit: requests that are signed as the App."""

    async def arequest(self, method: str, url: str, *, json: Mapping[str, object] | None = None) -> Any: ...


class AppTokens:
    """The tokens of one installation; the same one until it nears its end. Made once however many ask."""

    def __init__(self, settings: PlatformSettings, url: str) -> None:
        assert settings.app is not None
        self._settings = settings
        self._app = settings.app
        self._url = url
        self._making = asyncio.Lock()
        self._token: str | None = None
        self._ends = datetime.min.replace(tzinfo=UTC)

    async def token(self) -> str:
        """Raises BadCredentials, ConfigError where it is not clear which installation, Transient."""
        async with self._making:
            if self._token is None or datetime.now(UTC) > self._ends - RENEW_BEFORE:
                await self._make()
            assert self._token is not None
            return self._token

    async def refused(self, token: str) -> bool:
        """Forget it: it may have been revoked. Whether another can be made shows when it is asked for."""
        async with self._making:
            if self._token == token:
                self._token = None
        return True

    async def _make(self) -> None:
        number = self._app.installation_id or await self._only_installation()
        made = await self._ask("POST", f"/app/installations/{number}/access_tokens")
        self._token = str(made["token"])
        self._ends = datetime.fromisoformat(str(made["expires_at"]))
        remember_secret(self._token)

    async def _only_installation(self) -> str:
        found = cast("list[dict[str, Any]]", await self._ask("GET", "/app/installations"))
        if len(found) != 1:
            there = ", ".join(f"{each['id']} ({each['account']['login']})" for each in found) or "none"
            raise ConfigError(
                f"the GitHub App {self._app.app_id} has {len(found)} installations: {there}",
                hint='set "installationId" in the credentials of the platform\'s entry',
            )
        return str(found[0]["id"])

    async def _ask(self, method: str, path: str) -> Any:
        from githubkit.exception import GitHubException, RateLimitExceeded, RequestFailed

        doing = f"{method} {path} as the App {self._app.app_id}"
        try:
            answer = await self._signed().arequest(method, path)
        except RateLimitExceeded as failed:
            raise PlatformRateLimited(
                f"GitHub refused {doing}: too many requests",
                hint="the run waits and goes on by itself",
                retry_after=failed.retry_after.total_seconds(),
                platform=self._settings.id,
                status=failed.response.status_code,
            ) from None
        except RequestFailed as failed:
            status = failed.response.status_code
            kind = BadCredentials if status in (401, 403, 404) else Transient
            hint = "check appId, installationId and privateKey; is the App installed, and not suspended?"
            what = f"GitHub answered {status} to {doing}"
            raise kind(what, hint=hint, platform=self._settings.id, status=status) from None
        except GitHubException as failed:
            raise self._not_asked(doing, failed.__cause__) from None
        try:
            return answer.raw_response.json()
        except ValueError:
            hint = "something before GitHub answered in its place; it is tried again"
            raise Transient(
                f"the answer to {doing} is not JSON", hint=hint, platform=self._settings.id
            ) from None

    def _not_asked(self, doing: str, cause: BaseException | None) -> PlatformError:
        """githubkit wraps what goes wrong before a request is sent, too: signing it."""
        from jwt import PyJWTError

        named = type(cause).__name__
        if isinstance(cause, PyJWTError | ValueError | TypeError):
            return BadCredentials(
                f"the private key of the GitHub App {self._app.app_id} cannot be used ({named})",
                hint="it is the PEM file that GitHub gave out for the App",
                platform=self._settings.id,
            )
        what = f"no answer from GitHub to {doing}: {named}"
        return Transient(what, hint="it is tried again", platform=self._settings.id)

    def _signed(self) -> _Signed:
        from githubkit import AppAuthStrategy, GitHub
        from githubkit.cache import MemCacheStrategy

        made = GitHub(
            AppAuthStrategy(self._app.app_id, self._app.private_key),
            base_url=f"{self._url}/",
            user_agent="tamma",
            timeout=self._settings.timeout,
            ssl_verify=tls(self._settings.ca_file),
            proxy=self._settings.proxy,
            auto_retry=False,  # it repeats a POST after a 5xx, and it sleeps
            http_cache=False,
            # The shared one takes what an App of the same number on another server signed for ours.
            cache_strategy=MemCacheStrategy(),
        )
        return cast("_Signed", made)
