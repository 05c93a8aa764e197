"""The real worker, with one blow that nobody outside can time: `python -m tests.support.crash_worker`.

`TAMMA_TEST_KILL_AFTER` names the role and seq of a transcript entry, for example `assistant:3`. The process
kills itself when the agent's entry is stored, before the activity can tell Temporal that it ended.
"""

from __future__ import annotations

import asyncio
import os
import signal

from tamma.model.ids import SessionId
from tamma.store.interface import Entry, Lease
from tamma.store.postgres import PostgresStore
from tamma.worker import running


class DyingStore(PostgresStore):
    """The store on PostgreSQL; storing one certain entry is the last thing that the process does."""

    async def append_entries(
        self, session_id: SessionId, entries: tuple[Entry, ...], *, lease: Lease | None = None
    ) -> None:
        await super().append_entries(session_id, entries, lease=lease)
        stored = {f"{entry.message.role.value}:{entry.seq}" for entry in entries}
        if session_id.endswith("/agent") and os.environ["TAMMA_TEST_KILL_AFTER"] in stored:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    # The composition stays the worker's own; only the store that it composes is another one.
    running.PostgresStore = DyingStore
    os._exit(asyncio.run(running.main()))
