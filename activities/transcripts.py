"""Transcripts, with what was read lately kept in memory: a step should not read a whole conversation."""

from __future__ import annotations

from collections import OrderedDict

from tamma.model.ids import SessionId
from tamma.store.interface import Entry, Lease, TranscriptStore

KEPT = 16
"""Sessions whose entries stay in memory."""


class Transcripts:
    """A read-through cache over the transcript store. Entries never change, so it is never stale: what is
    missing at the end is read."""

    def __init__(self, store: TranscriptStore) -> None:
        self.store = store
        self._kept: OrderedDict[SessionId, tuple[Entry, ...]] = OrderedDict()

    async def read(self, session_id: SessionId, *, up_to: int) -> tuple[Entry, ...]:
        """All entries with seq <= `up_to`, as far as there are any."""
        known = self._kept.get(session_id, ())
        if not known or known[-1].seq < up_to:
            after = known[-1].seq if known else -1
            known = (*known, *await self.store.read_entries(session_id, after=after))
            self._keep(session_id, known)
        return known[: up_to + 1]

    async def append(
        self, session_id: SessionId, entries: tuple[Entry, ...], *, lease: Lease | None = None
    ) -> None:
        """Append to the store, then to memory where it continues what is known."""
        await self.store.append_entries(session_id, entries, lease=lease)
        known = self._kept.get(session_id, ())
        if len(known) == entries[0].seq:
            self._keep(session_id, (*known, *entries))

    def _keep(self, session_id: SessionId, entries: tuple[Entry, ...]) -> None:
        self._kept[session_id] = entries
        self._kept.move_to_end(session_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
