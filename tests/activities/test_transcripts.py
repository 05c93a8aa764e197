"""What is read of a conversation, and when not."""

from __future__ import annotations

from activities.transcripts import Transcripts
from tamma.model.conversation import user
from tamma.model.ids import SessionId
from tamma.store.interface import Entry
from tamma.store.memory import MemoryStore

SESSION = SessionId("t/agent")


class Counting(MemoryStore):
    """Counts the reads."""

    reads = 0

    async def read_entries(self, session_id: SessionId, *, after: int = -1) -> tuple[Entry, ...]:
        self.reads += 1
        return await super().read_entries(session_id, after=after)


async def write(transcripts: Transcripts, seq: int) -> None:
    taken = await transcripts.take(SESSION, seq, after=seq - 1)
    assert [entry.seq for entry in taken.entries] == list(range(seq))
    await transcripts.append(SESSION, (Entry(seq, user(str(seq))),), lease=taken.lease)


async def test_a_conversation_that_goes_on_here_is_never_read() -> None:
    store = Counting()
    transcripts = Transcripts(store)
    for seq in range(5):
        await write(transcripts, seq)
    assert store.reads == 0


async def test_a_second_attempt_reads_what_the_first_may_have_written() -> None:
    store = Counting()
    here, elsewhere = Transcripts(store), Transcripts(store)
    await write(here, 0)
    await write(elsewhere, 1)
    taken = await here.take(SESSION, 1, after=0)
    assert taken.lease.token == 2
    assert [entry.message.text for entry in taken.entries] == ["0", "1"]


async def test_a_conversation_that_began_elsewhere_is_read_once() -> None:
    store = Counting()
    elsewhere, here = Transcripts(store), Transcripts(store)
    for seq in range(3):
        await write(elsewhere, seq)
    await write(here, 3)
    await write(here, 4)
    assert store.reads == 1


async def test_what_another_worker_added_in_between_is_not_missed() -> None:
    store = Counting()
    here, elsewhere = Transcripts(store), Transcripts(store)
    await write(here, 0)
    await write(elsewhere, 1)
    await write(here, 2)
    assert [entry.seq for entry in await store.read_entries(SESSION)] == [0, 1, 2]
