"""How an adapter says in one line what its platform lacks."""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any, NoReturn, Protocol

from tamma.errors import Unsupported
from tamma.platforms.interface import PlatformSettings


class _Account(Protocol):
    @property
    def settings(self) -> PlatformSettings: ...


def lacking(capability: str, hint: str) -> Callable[..., CoroutineType[Any, Any, NoReturn]]:
    """A method, for the body of a class, that raises Unsupported: `set_draft = lacking(DRAFTS, "…")`.

    `hint` says what to use instead. A type checker takes it for any method that the interface has.
    """

    async def refuse(self: _Account, *_: object, **__: object) -> NoReturn:
        raise Unsupported(capability, platform=self.settings.type, hint=hint)

    return refuse


def lacking_at_once(capability: str, hint: str) -> Callable[..., NoReturn]:
    """The same in place of a method that is not awaited."""

    def refuse(self: _Account, *_: object, **__: object) -> NoReturn:
        raise Unsupported(capability, platform=self.settings.type, hint=hint)

    return refuse
