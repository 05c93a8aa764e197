"""Transcripts, with what was read lately kept in memory: a step should not read a whole conversation."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tamma.model.ids import SessionId
from tamma.store.interface import Entry, Lease, TranscriptStore

KEPT = 16
"""Sessions whose entries stay in memory."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The right to write an entry, and all entries up to it; it is among them where it was written before."""

    lease: Lease
    entries: tuple[Entry, ...]


class Transcripts:
    """A read-through cache over the transcript store. Entries never change, so it is never stale: what is
    missing at the end is read."""

    def __init__(self, store: TranscriptStore) -> None:
        self.store = store
        self._kept: OrderedDict[SessionId, tuple[Entry, ...]] = OrderedDict()

    async def take(self, session_id: SessionId, seq: int, *, after: int) -> Taken:
        """Become the attempt that writes entry `seq`, the last of those that follow entry `after`.

        Every such entry is written under its lease. So where this is the first attempt ever, and memory
        reaches up to `after`, there is nothing to read: one round trip instead of two.
        """
        lease = await self.store.acquire_lease(session_id, seq)
        known = self._kept.get(session_id, ())
        if lease.token > 1 or len(known) <= after:
            known = (*known, *await self.store.read_entries(session_id, after=len(known) - 1))
            self._keep(session_id, known)
        return Taken(lease, known[: seq + 1])

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
