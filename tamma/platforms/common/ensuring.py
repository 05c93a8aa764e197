"""How a write is made once, however often it is tried: look, make what is not there, look again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from tamma.errors import Conflict, PlatformError
from tamma.platforms.common.marks import mark_of, without_mark


class Written(Protocol):
    """A comment, note, review or answer, as a service gives it back."""

    @property
    def body(self) -> str | None: ...


T = TypeVar("T")
W = TypeVar("W", bound=Written)


def conflicts(error: PlatformError) -> bool:
    """Whether it says that something stands there already."""
    return isinstance(error, Conflict)


def answered(*statuses: int) -> Callable[[PlatformError], bool]:
    """The same, for services that say it by one of these statuses."""
    return lambda error: error.status in statuses


async def find_or_make(
    find: Callable[[], Awaitable[T | None]],
    make: Callable[[], Awaitable[T]],
    met: Callable[[PlatformError], bool] = conflicts,
) -> tuple[T, bool]:
    """What `find` finds, else what `make` makes, and whether it was made.

    Found again where making it met what is there already (`met`): another attempt was between our look and
    our write. What was made by a call whose answer was lost, the next attempt finds.
    """
    there = await find()
    if there is not None:
        return there, False
    try:
        return await make(), True
    except PlatformError as error:
        there = await find() if met(error) else None
        if there is None:
            raise
        return there, False


async def ensure_text(
    find: Callable[[], Awaitable[W | None]],
    make: Callable[[], Awaitable[W]],
    edit: Callable[[W], Awaitable[W]],
    text: str,
) -> W:
    """The text of an operation: made, or brought to `text` where it is there and says something else."""
    there, made = await find_or_make(find, make)
    if made or without_mark(there.body) == without_mark(text):
        return there
    return await edit(there)


async def ours(written: Iterable[W], op_id: str, is_us: Callable[[W], Awaitable[bool]]) -> W | None:
    """The one of operation `op_id`. Anybody can copy a mark into a text: only what we wrote counts."""
    for one in written:
        if mark_of(one.body) == op_id and await is_us(one):
            return one
    return None
