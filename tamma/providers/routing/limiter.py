"""How often and how many at once a service is asked by this process. Waits are short; a long one is told.

A call that would have to wait long fails with `RateLimited` and the time to come back, so that the wait is
Temporal's: durable, and without a worker that holds it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from tamma.errors import RateLimited

LONGEST_WAIT = 5.0
"""Seconds that a call waits for its turn before it is told to come back."""

_HINT_LIMITS = "`maxConcurrent` and `requestsPerMinute` of the provider set the limits"
_HINT_PAUSED = "the run goes on by itself then; `providers.fallbacks` may name another provider"


class Limiter:
    """For one service and credential. None: no limit of that kind."""

    def __init__(
        self,
        *,
        at_once: int | None = None,
        per_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = asyncio.Semaphore(at_once) if at_once else None
        self._spacing = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = 0.0
        """When the next call may begin."""
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """The service said to come back after `seconds`: nobody need ask it before."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    @asynccontextmanager
    async def turn(self, whose: str = "the service") -> AsyncGenerator[None]:
        """Hold a turn while the body runs. Raises RateLimited where it would come too late."""
        while True:
            await self._wait_for_time(whose)
            await self._take_slot(whose)
            if self._paused_until <= self._clock():
                break
            self._give_slot_back()  # the service asked for a pause while this one waited for its turn
        try:
            yield
        finally:
            self._give_slot_back()

    async def _take_slot(self, whose: str) -> None:
        if self._slots is None:
            return
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._slots.acquire()
        except TimeoutError:
            raise _late(whose, "as many calls as allowed are being answered", LONGEST_WAIT) from None

    def _give_slot_back(self) -> None:
        if self._slots is not None:
            self._slots.release()

    async def _wait_for_time(self, whose: str) -> None:
        now = self._clock()
        begin = max(now, self._next, self._paused_until)
        if begin - now > LONGEST_WAIT:
            if begin == self._paused_until:
                raise _late(whose, "it asked for a pause", begin - now, hint=_HINT_PAUSED)
            raise _late(whose, "too many calls", begin - now)
        self._next = begin + self._spacing  # taken before the wait: the next caller comes after this one
        if begin > now:
            await asyncio.sleep(begin - now)


def _late(whose: str, why: str, seconds: float, *, hint: str = _HINT_LIMITS) -> RateLimited:
    return RateLimited(f"{whose} is not asked for {seconds:.0f} s: {why}", hint=hint, retry_after=seconds)
