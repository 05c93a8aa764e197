"""A circuit breaker: a service that keeps failing is left alone for a while, and then tried once.

closed --5 failures within 60 s--> open --300 s--> one call as a trial --success--> closed
                                    ^                                 |
                                    +------------- failure -----------+

Which errors count is for its user to say. Figures: the specification's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tamma.errors import TammaError

FAILURES = 5
WINDOW = 60.0
"""Seconds."""
COOLDOWN = 300.0
"""Seconds."""
TRIAL = 15.0
"""Seconds that others wait while one call tries whether the service is back."""


@dataclass(slots=True)
class Breaker:
    """The state for one service and credential. Not shared between threads or processes.

    A call that was admitted while it is `trying` is the trial, and ends with `abandoned`, after `succeeded`
    or `failed` where it was either. Calls that began before it opened are not, however late they end.
    """

    clock: Callable[[], float] = time.monotonic
    _failed: deque[float] = field(default_factory=lambda: deque[float](maxlen=FAILURES))
    _opened: float | None = None
    _trial: float | None = None
    """When the call that tries it began."""
    last_error: TammaError | None = None

    def admit(self) -> float:
        """0.0: go ahead. Else the seconds until it is worth asking again."""
        if self._opened is None:
            return 0.0
        now = self.clock()
        remaining = self._opened + COOLDOWN - now
        if remaining > 0:
            return remaining
        if self._trial is not None and now - self._trial < COOLDOWN:
            return TRIAL
        self._trial = now
        return 0.0

    @property
    def trying(self) -> bool:
        """Whether a trial is under way."""
        return self._trial is not None

    def succeeded(self) -> None:
        self._failed.clear()
        self._opened = self._trial = self.last_error = None

    def failed(self, error: TammaError) -> None:
        """Count `error`, and open where there were too many lately or the trial failed."""
        now = self.clock()
        self._failed.append(now)
        self.last_error = error
        many = len(self._failed) == FAILURES and now - self._failed[0] <= WINDOW
        if self._trial is not None or (many and self._opened is None):
            self._opened = now
        self._trial = None

    def abandoned(self) -> None:
        """The call ended without saying anything about the service: the next one may try."""
        self._trial = None
