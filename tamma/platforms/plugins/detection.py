"""Which third parties' platforms say that an address is theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import structlog

from tamma.errors import TammaError
from tamma.platforms.interface import PlatformPlugin
from tamma.registry import Registry

_AT_ONCE = 4
"""Processes started for it at a time."""


def claimants(url: str, known: Registry[PlatformPlugin]) -> tuple[str, ...]:
    """The names of the plugins that say so, sorted; several may. Blocks: each is asked in its own process.

    They are told the address alone, without user, password and query. One that fails knows none.
    """
    names = [entry.name for entry in known.list() if entry.distribution is not None and entry.problem is None]
    if not names:
        return ()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        asked = {name: threads.submit(_claims, known, name, url) for name in names}
    return tuple(sorted(name for name, ours in asked.items() if ours.result()))


def _claims(known: Registry[PlatformPlugin], name: str, url: str) -> bool:
    try:
        return known.get(name).detect_from_url(url)
    except TammaError as error:
        structlog.get_logger().warning("platform.plugin_cannot_detect", plugin=name, problem=str(error))
        return False
