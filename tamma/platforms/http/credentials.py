"""The usual ways to show a token. What a token is, and how it is renewed, is its source's business."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tamma.errors import BadCredentials
from tamma.platforms.interface import PlatformSettings, TokenSource

Show = Callable[[str], Mapping[str, str]]
"""A token as headers."""
_LATELY = 4
"""Tokens that are remembered as shown."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A token that does not change."""

    value: str | None = field(repr=False)

    async def token(self) -> str | None:
        return self.value

    async def refused(self, token: str) -> bool:
        return False


def token_source(settings: PlatformSettings) -> TokenSource:
    """Where the account's token comes from."""
    return settings.tokens or Fixed(settings.token)


def unbroken(token: str) -> str:
    """The token. Raises BadCredentials where it can be none: clients repeat a header that cannot be sent."""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise BadCredentials(
            "the token holds characters that no token has",
            hint="it may have been copied with a line break or an ellipsis: store it again",
        )
    return token


def bearer(token: str) -> Mapping[str, str]:
    """RFC 6750. Raises BadCredentials."""
    return {"authorization": f"Bearer {unbroken(token)}"}


def token_scheme(token: str) -> Mapping[str, str]:
    """`Authorization: token …`, of Gitea and Forgejo. Raises BadCredentials."""
    return {"authorization": f"token {unbroken(token)}"}


def basic(username: str) -> Show:
    """RFC 7617, the token as the password."""

    def show(token: str) -> Mapping[str, str]:
        pair = base64.b64encode(f"{username}:{token}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    return show


class Shown:
    """The tokens that were shown lately, the newest last: calls with an older one may be under way."""

    def __init__(self) -> None:
        self._tokens = deque[str](maxlen=_LATELY)

    @property
    def last(self) -> str | None:
        return self._tokens[-1] if self._tokens else None

    def add(self, token: str) -> None:
        if token != self.last:
            self._tokens.append(token)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)


class HeaderCredentials:
    """A source's token in the headers of every request; without a token, none."""

    def __init__(self, source: TokenSource, show: Show) -> None:
        self._source = source
        self._show = show
        self._shown = Shown()

    async def headers(self) -> Mapping[str, str]:
        token = await self._source.token()
        if token is None:
            return {}
        headers = self._show(token)
        self._shown.add(token)
        return headers

    async def refused(self) -> bool:
        return self._shown.last is not None and await self._source.refused(self._shown.last)

    def secrets(self) -> Sequence[str]:
        """Tokens, and what stands for them in the header (Basic: in base64)."""
        headers = [self._show(token).get("authorization", "") for token in self._shown]
        return [*self._shown, *(header.rpartition(" ")[2] for header in headers)]
