"""What takes a while to make, and is made once: by the first who needs it, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Holds what `make` gives, which runs in a thread and may import what is heavy."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._making = asyncio.Lock()

    async def get(self) -> T:
        """The one, made now where there is none. Raises what `make` raises, and tries again next time."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await asyncio.to_thread(self._make)
        return self._made

    def take(self) -> T | None:
        """The one where there is one, to be closed; the next `get` makes another."""
        taken, self._made = self._made, None
        return taken
