"""Which third parties' platforms say that an address is theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tamma.platforms.interface import PlatformPlugin
from tamma.registry import Registry

_AT_ONCE = 4


def claimants(url: str, known: Registry[PlatformPlugin]) -> tuple[str, ...]:
    """The names of the plugins that say so, sorted; several may. Blocks: each is asked in its own process.

    They are told the address alone, without user, password and query. One that fails knows none.
    """
    names = [entry.name for entry in known.list() if entry.distribution is not None and entry.problem is None]
    if not names:
        return ()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        asked = {name: threads.submit(known.get(name).detect_from_url, url) for name in names}
    return tuple(sorted(name for name, ours in asked.items() if ours.result()))
