"""How long is long, on a machine of unknown speed that others share: no test counts seconds by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

PROMPT = 20.0
"""Seconds within which something is done that would else wait for much longer (a minute, or for ever). Long
enough for a machine ten times slower than a developer's."""


def effort(work: Callable[[], object]) -> float:
    """The processor time of `work` in multiples of a fixed piece of Python measured right before it (0.1 s
    on a machine of 2024): about the same figure on a slow machine, and on one with other things to do."""
    began = time.process_time()
    sum(hash((at, str(at))) & 7 for at in range(600_000))
    unit = time.process_time() - began
    began = time.process_time()
    work()
    return (time.process_time() - began) / unit
