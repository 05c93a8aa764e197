"""A provider behind its limiter and its breaker, which all entries of one service and credential share."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from tamma.errors import (
    AuthFailed,
    CircuitOpen,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import Finish, Request, StreamEvent
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.routing.limiter import Limiter
from tamma.providers.wrapper import Wrapper
from tamma.resilience.breaker import Breaker

_COUNTED = (Overloaded, ProviderTimeout, ProviderUnreachable, StreamInterrupted, QuotaExhausted, AuthFailed)


def counts(error: BaseException) -> bool:
    """Whether `error` says something about the service or the credential, and not about one request.

    A rate limit does not: it says itself when to come back, and the limiter heeds that.
    """
    return isinstance(error, _COUNTED)


@dataclass(slots=True)
class Guard:
    limiter: Limiter
    breaker: Breaker = field(default_factory=Breaker)


class Guards:
    """One guard for each service and credential that this process asks."""

    def __init__(self) -> None:
        self._guards: dict[str, Guard] = {}

    def of(self, settings: ProviderSettings) -> Guard:
        """The guard of `settings`; the limits of whichever entry came first hold."""
        key = credential_of(settings)
        if key not in self._guards:
            self._guards[key] = Guard(
                Limiter(at_once=settings.max_concurrent, per_minute=settings.requests_per_minute)
            )
        return self._guards[key]


def credential_of(settings: ProviderSettings) -> str:
    """What tells one service and credential from another. Holds no secret: the key is hashed."""
    account = settings.api_key or sorted(settings.headers.items())
    known = settings.base_url or account
    told_apart = (settings.type, settings.base_url, account, "" if known else settings.name)
    return hashlib.sha256(repr(told_apart).encode()).hexdigest()


class Guarded(Wrapper):
    """Waits for its turn, and asks no service that is known to be down.

    `stream` raises CircuitOpen while the breaker is open and RateLimited where the turn would come late.
    """

    def __init__(self, inner: Provider, guard: Guard) -> None:
        super().__init__(inner)
        self._guard = guard

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        breaker, limiter = self._guard.breaker, self._guard.limiter
        async with limiter.turn(self.settings.name):
            if seconds := breaker.admit():
                raise self._left_alone(seconds, request)
            trial = breaker.trying
            try:
                async with aclosing(self.inner.stream(request)) as events:
                    async for event in events:
                        if isinstance(event, Finish):
                            breaker.succeeded()
                        yield event
            except ProviderError as error:
                if counts(error):
                    breaker.failed(error)
                if isinstance(error, RateLimited | Overloaded) and error.retry_after:
                    limiter.pause(error.retry_after)
                raise
            finally:  # where it was cancelled or refused, it says nothing about the service
                if trial:
                    breaker.abandoned()

    def _left_alone(self, seconds: float, request: Request) -> CircuitOpen:
        last = self._guard.breaker.last_error
        return CircuitOpen(
            f"{self.settings.name} failed again and again and is left alone for {seconds:.0f} s"
            + (f"; the last time: {last.message}" if last else ""),
            hint=(last and last.hint) or "the run goes on by itself; `providers.fallbacks` may name another",
            retry_after=seconds,
            provider=self.settings.name,
            model=request.model,
        )
