"""Whether an author may write to a repository, asked of the platform and believed for a while."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import cast

from tamma.errors import Forbidden, NotFound
from tamma.model.repository import RepoRef
from tamma.platforms.interface import PlatformSettings

BELIEVED_FOR = 600.0
"""Seconds a permission is believed: someone removed from a repository is not trusted for longer."""

Ask = Callable[[RepoRef, str], Awaitable[bool]]


def trusted_authors(settings: PlatformSettings) -> frozenset[str]:
    """Who is trusted by the option `trustedAuthors`, for tokens that may not ask who may write."""
    given = settings.options.get("trustedAuthors")
    named = cast("list[object]", given) if isinstance(given, list | tuple) else []
    return frozenset(map(str, named))


class Trust:
    """What one account knows of authors. `ask` raises NotFound or Forbidden where it cannot tell."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}

    async def may_write(self, repo: RepoRef, author: str) -> bool:
        """Who cannot be asked about is not trusted: a token that may not push may not ask either."""
        key = (repo.full_name, author)
        known = self._known.get(key)
        if known is None or known[0] < self._clock():
            try:
                answer = await self._ask(repo, author)
            except (NotFound, Forbidden):
                answer = False
            known = self._known[key] = (self._clock() + BELIEVED_FOR, answer)
        return known[1]
