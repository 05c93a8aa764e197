"""What goes wrong on the way: asked for by path, or by the how-many-eth change of the world."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "lost_answer", "no_connection", "rate_limit", "secondary_limit", "error", "error_after", "stall"
]
"""`lost_answer` and `error_after` (502) act first; `error` (502), the limits and the rest do not act."""
CrashKind = Literal["lose_answer", "fail_after", "fail_before"]
"""Of the nth request that changes the world: done and never answered; done and answered by 502; not done and
answered by 502, where every request counts that is not a read."""
CRASH_KINDS: tuple[CrashKind, ...] = ("lose_answer", "fail_after", "fail_before")
ACTS_FIRST = ("lost_answer", "error_after")


@dataclass
class Fault:
    """Strikes the next `times` requests that fit."""

    method: str
    """Empty: any."""
    path: str
    """A regular expression that is searched for."""
    kind: FaultKind
    times: int = 1
    retry_after: int | None = 7
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether it does now, which counts."""
        if self.struck >= self.times or self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.struck += 1
        return True


@dataclass
class Crash:
    """Strikes once, at the nth request, counted from 0."""

    kind: CrashKind
    nth: int
    struck: bool = False

    def before(self, writes: int, safe: bool) -> bool:
        """Whether a request fails that is about to act, `writes` having come before it."""
        return self._strike(self.kind == "fail_before" and not safe and writes == self.nth)

    def after(self, changes: int, changed: bool) -> bool:
        """Whether the answer fails of a request that has acted."""
        return self._strike(self.kind != "fail_before" and changed and changes == self.nth)

    def _strike(self, now: bool) -> bool:
        if now and not self.struck:
            self.struck = True
            return True
        return False
