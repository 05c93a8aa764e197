"""An OAuth token that is renewed before its end, and once more when the service refuses it.

Refresh tokens are mostly good for one use. So one task of one process renews at a time (the others wait for
what it got), and what the server granted is kept durably before anybody uses it. A crash between the server's
answer and that moment loses the grant where the server allows one use alone: then a person has to authorise
anew, and is told so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from tamma.errors import BadCredentials, PlatformError, TammaError, Transient
from tamma.platforms.auth.endpoint import TokenEndpoint
from tamma.platforms.auth.grant import Grant, GrantStore, seed_of
from tamma.telemetry.redaction import remember_secret

YOUNG = 60.0
"""Seconds. A token that is refused so soon after it was granted would not be cured by another one."""


class OAuthToken:
    """The `TokenSource` of OAuth accounts."""

    def __init__(
        self,
        endpoint: TokenEndpoint,
        store: GrantStore,
        *,
        access_token: str | None = None,
        expires_at: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`access_token` is the configured one, for as long as nothing newer is kept. `expires_at` is its
        end, in seconds since the epoch."""
        assert endpoint.settings.refresh_token is not None
        self._endpoint = endpoint
        self._store = store
        self._clock = clock
        self._first = endpoint.settings.refresh_token
        self._seed = seed_of(self._first)
        self._grant: Grant | None = None
        if access_token is not None:
            self._grant = Grant(access_token, self._first, expires_at, 0.0, self._seed)
        self._looked = False
        self._unsaved: Grant | None = None
        self._renewing: asyncio.Task[Grant] | None = None

    async def token(self) -> str:
        """Raises BadCredentials where it cannot be renewed, Transient where not now."""
        if not self._looked:
            self._adopt(await self._store.load())
            self._looked = True
        grant, now = self._grant, self._clock()
        if grant is not None and self._unsaved is None and not grant.ends_soon(now):
            return grant.access_token
        try:
            return (await self._renewed()).access_token
        except PlatformError as error:
            if grant is None or self._unsaved is not None or grant.ended(now):
                raise
            self._tell("platform.token_not_renewed", error)
            return grant.access_token  # good for some minutes yet

    async def refused(self, token: str) -> bool:
        """Whether there is another token than `token` now, renewed for this where need be."""
        grant = self._grant
        if grant is not None and grant.access_token != token:
            return True  # another call was told before
        if grant is not None and self._clock() - grant.obtained_at < YOUNG:
            return False
        try:
            return (await self._renewed()).access_token != token
        except BadCredentials as error:
            self._tell("platform.token_not_renewed", error)
            return False

    async def _renewed(self) -> Grant:
        """The result of the one renewal that is under way. Whoever stops waiting for it does not stop it: the
        server may have taken the old refresh token already."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(self._grant))
            self._renewing.add_done_callback(_heard)
        return await asyncio.shield(self._renewing)

    async def _renew(self, old: Grant | None) -> Grant:
        async with self._store.locked():
            if self._unsaved is not None:
                return await self._keep(self._unsaved)
            kept = await self._store.load()
            if kept is not None and kept.seed == self._seed:
                newer = old is None or kept.access_token != old.access_token
                if newer and not kept.ends_soon(self._clock()):
                    self._adopt(kept)  # another process was faster
                    return kept
                refresh_token = kept.refresh_token or self._first
            else:
                refresh_token = self._first
            answer = await self._endpoint.renew(refresh_token, self._clock())
            remember_secret(answer.access_token)
            remember_secret(answer.refresh_token)
            now = self._clock()
            ends = now + answer.expires_in if answer.expires_in is not None else None
            granted = Grant(answer.access_token, answer.refresh_token or refresh_token, ends, now, self._seed)
            return await self._keep(granted)

    async def _keep(self, granted: Grant) -> Grant:
        """Nobody gets it before it is kept. What could not be is kept at the next call."""
        self._unsaved = granted
        try:
            await self._store.save(granted)
        except (TammaError, OSError) as error:
            raise Transient(
                f"the renewed token of {self._endpoint.platform_id!r} cannot be kept: {error}",
                hint="it is tried again; should this process end before, authorise Tamma anew",
                platform=self._endpoint.platform_id,
            ) from error
        self._unsaved = None
        self._grant = granted
        structlog.get_logger().info("platform.token_renewed", platform=self._endpoint.platform_id)
        return granted

    def _adopt(self, kept: Grant | None) -> None:
        if kept is None or kept.seed != self._seed:
            return
        remember_secret(kept.access_token)
        remember_secret(kept.refresh_token)
        self._grant = kept

    def _tell(self, event: str, error: TammaError) -> None:
        structlog.get_logger().warning(
            event, platform=self._endpoint.platform_id, problem=str(error), hint=error.hint
        )


def _heard(task: asyncio.Task[Grant]) -> None:
    """Its error was told to whoever waited; asyncio need not complain of one that nobody waited for."""
    if not task.cancelled():
        task.exception()
