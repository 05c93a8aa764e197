"""A token that stands somewhere, and may be replaced there while Tamma runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from tamma.errors import TammaError


class StaticToken:
    """The `TokenSource` of personal access tokens. Looks again where the token stands when the service
    refused it, so that a file or a keychain's entry can be changed without a restart. Calls under way keep
    the one that they began with."""

    def __init__(self, platform_id: str, token: str | None, look_up: Callable[[], str | None]) -> None:
        self._platform = platform_id
        self._token = token
        self._look_up = look_up

    async def token(self) -> str | None:
        """The token to use now; None for anonymous calls."""
        return self._token

    async def refused(self, token: str) -> bool:
        """Whether there is another one than `token` now."""
        if self._token is not None and self._token != token:
            return True  # another call found it before
        try:
            found = await asyncio.to_thread(self._look_up)  # a keychain may ask its user
        except TammaError as error:
            structlog.get_logger().warning(
                "platform.token_unreadable", platform=self._platform, problem=str(error), hint=error.hint
            )
            return False
        if found is None or found == token:
            return False
        self._token = found
        structlog.get_logger().info("platform.token_replaced", platform=self._platform)
        return True
