"""Servers that outlived their supervisor: what `state.json` remembers, checked against what really runs."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from tamma.stack.logfile import log_line
from tamma.stack.paths import StackPaths
from tamma.stack.postgres_server import PostgresServer
from tamma.stack.process import Process, ProcessRef, is_alive
from tamma.stack.settings import dev_server_settings
from tamma.stack.state import read_state
from tamma.stack.temporal_server import TemporalServer

STOP_GRACE = 30.0


def find_orphans(paths: StackPaths) -> dict[str, ProcessRef]:
    """The living ones by name. A recorded pid that now belongs to another process does not count."""
    found = {name: ref for name, ref in read_state(paths.state).services.items() if is_alive(ref)}
    if "temporal" not in found:
        ref = TemporalServer(paths, dev_server_settings(), None).find_orphan()
        found |= {"temporal": ref} if ref else {}
    if "postgres" not in found:
        ref = PostgresServer(paths).find_orphan()
        found |= {"postgres": ref} if ref else {}
    return found


async def stop_orphans(paths: StackPaths, known: Iterable[str] = ()) -> None:
    """End them, the worker first; those in `known` are somebody's already. The caller holds the lock."""
    orphans = find_orphans(paths)
    for name in sorted(orphans, key=lambda name: name != "worker"):
        if name not in known:
            log_line(f"stopping {name}, pid {orphans[name].pid}, left by an earlier supervisor")
            signum = PostgresServer.stop_signal if name == "postgres" else signal.SIGTERM
            await Process(orphans[name]).stop(signum, STOP_GRACE)
    paths.state.unlink(missing_ok=True)
