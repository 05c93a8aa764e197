"""Transcripts and leases: one contract, every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tamma.errors import StoreConflict, StoreError, Superseded
from tamma.model.conversation import Image, Message, Reasoning, Role, Text, ToolCall, ToolResult, user
from tamma.model.ids import SessionId
from tamma.store.interface import Entry, Lease
from tests.store.conftest import AnyStore

SESSION = SessionId("01890000-0000-7000-8000-000000000000/agent")
OTHER = SessionId("01890000-0000-7000-8000-000000000000/review")


def entry(seq: int, text: str = "hello") -> Entry:
    return Entry(seq, user(text))


def seqs(entries: tuple[Entry, ...]) -> list[int]:
    return [entry.seq for entry in entries]


async def test_an_entry_comes_back_whole(store: AnyStore) -> None:
    message = Message(
        Role.ASSISTANT,
        (
            Reasoning("hm", '{"signature":"abc="}'),
            Text('ünï\n\t"quoted" \\ \'; DROP TABLE entries; -- 🙂'),
            ToolCall("c1", "bash", '{"command": "ls"'),
            ToolResult("c1", "bell \x07, nul \x00, esc \x1b[0m", is_error=True),
            Image("image/png", "iVBORw0="),
        ),
    )
    given = Entry(
        0,
        message,
        provider="anthropic-claude",
        model="m",
        finish="tool_calls",
        input_tokens=3_000_000_000,
        output_tokens=2,
        cache_read_tokens=1,
        cost_usd=Decimal("0.00001230"),
        cost_source="genai-prices",
        duration_ms=1234,
        recorded_at=datetime(2030, 1, 31, 12, 0, 0, 123456, UTC),
    )
    await store.append_entries(SESSION, (given,))
    assert await store.read_entries(SESSION) == (given,)


async def test_an_unknown_cost_stays_unknown(store: AnyStore) -> None:
    await store.append_entries(SESSION, (entry(0),))
    (read,) = await store.read_entries(SESSION)
    assert read.cost_usd is None


async def test_the_store_dates_an_entry_that_has_no_time(store: AnyStore) -> None:
    before = datetime.now(UTC)
    await store.append_entries(SESSION, (entry(0),))
    (read,) = await store.read_entries(SESSION)
    assert read.recorded_at is not None
    assert abs((read.recorded_at - before).total_seconds()) < 30


async def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_joined(store: AnyStore) -> None:
    given = Entry(0, user("a\ud800b \ud83d\ude42"))
    await store.append_entries(SESSION, (given,))
    await store.append_entries(SESSION, (given,))
    (read,) = await store.read_entries(SESSION)
    assert read.message == user("a\ufffdb 🙂")


async def test_reading_goes_on_after_a_seq(store: AnyStore) -> None:
    await store.append_entries(SESSION, tuple(entry(seq) for seq in range(5)))
    assert seqs(await store.read_entries(SESSION, after=2)) == [3, 4]
    assert await store.read_entries(SESSION, after=4) == ()
    assert await store.read_entries(OTHER) == ()


async def test_the_same_entry_again_is_done_already(store: AnyStore) -> None:
    await store.append_entries(SESSION, (entry(0), entry(1)))
    first = await store.read_entries(SESSION)
    await store.append_entries(SESSION, (replace(entry(1), duration_ms=99),))
    await store.append_entries(SESSION, (entry(0), entry(1)))
    assert await store.read_entries(SESSION) == first


async def test_a_batch_may_repeat_the_end_and_go_on(store: AnyStore) -> None:
    await store.append_entries(SESSION, (entry(0), entry(1)))
    await store.append_entries(SESSION, (entry(1), entry(2)))
    assert seqs(await store.read_entries(SESSION)) == [0, 1, 2]


async def test_another_message_under_a_seq_is_a_conflict_and_stores_nothing(store: AnyStore) -> None:
    await store.append_entries(SESSION, (entry(0), entry(1)))
    with pytest.raises(StoreConflict, match="entry 1 holds another message"):
        await store.append_entries(SESSION, (entry(0), entry(1, "other"), entry(2)))
    assert seqs(await store.read_entries(SESSION)) == [0, 1]


async def test_another_role_is_another_message(store: AnyStore) -> None:
    await store.append_entries(SESSION, (entry(0),))
    with pytest.raises(StoreConflict):
        await store.append_entries(SESSION, (Entry(0, Message(Role.ASSISTANT, (Text("hello"),))),))


@pytest.mark.parametrize(
    "batch",
    [(entry(1),), (entry(0), entry(2)), (entry(0), entry(0)), (entry(1), entry(0)), (entry(-1), entry(0))],
    ids=["starts late", "gap within", "twice", "backwards", "below 0"],
)
async def test_a_gap_is_a_conflict_and_stores_nothing(store: AnyStore, batch: tuple[Entry, ...]) -> None:
    with pytest.raises(StoreConflict):
        await store.append_entries(SESSION, batch)
    assert await store.read_entries(SESSION) == ()


async def test_no_entries_are_no_work(store: AnyStore) -> None:
    await store.append_entries(SESSION, ())
    assert await store.read_entries(SESSION) == ()


async def test_a_session_id_that_cannot_be_stored_is_refused(store: AnyStore) -> None:
    for bad in ("a\x00b", "a\ud800b"):
        with pytest.raises(StoreError):
            await store.append_entries(SessionId(bad), (entry(0),))
        with pytest.raises(StoreError):
            await store.read_entries(SessionId(bad))
        with pytest.raises(StoreError):
            await store.acquire_lease(SessionId(bad), 0)


# --- leases


async def test_each_attempt_takes_the_next_token(store: AnyStore) -> None:
    assert [(await store.acquire_lease(SESSION, 3)).token for _ in range(3)] == [1, 2, 3]
    assert await store.acquire_lease(SESSION, 4) == Lease(SESSION, 4, 1)
    assert await store.acquire_lease(OTHER, 3) == Lease(OTHER, 3, 1)
    assert await store.count_attempts(SESSION) == 4
    assert await store.count_attempts(SessionId("none")) == 0


async def test_a_lease_holds_until_a_later_one(store: AnyStore) -> None:
    first = await store.acquire_lease(SESSION, 0)
    await store.check_lease(first)
    second = await store.acquire_lease(SESSION, 0)
    await store.check_lease(second)
    with pytest.raises(Superseded, match="attempt 2 holds the lease, this is attempt 1"):
        await store.check_lease(first)


async def test_a_superseded_attempt_stores_nothing(store: AnyStore) -> None:
    first = await store.acquire_lease(SESSION, 0)
    second = await store.acquire_lease(SESSION, 0)
    with pytest.raises(Superseded):
        await store.append_entries(SESSION, (entry(0, "first"),), lease=first)
    with pytest.raises(Superseded):
        await store.append_entries(SESSION, (), lease=first)
    await store.append_entries(SESSION, (entry(0, "second"), entry(1)), lease=second)
    with pytest.raises(Superseded):
        await store.append_entries(SESSION, (entry(0, "second"),), lease=first)
    assert [read.message.text for read in await store.read_entries(SESSION)] == ["second", "hello"]


async def test_a_lease_that_was_never_given_out_is_a_conflict(store: AnyStore) -> None:
    with pytest.raises(StoreConflict, match="unknown"):
        await store.append_entries(SESSION, (entry(0),), lease=Lease(SESSION, 0, 1))
    await store.acquire_lease(SESSION, 0)
    with pytest.raises(StoreConflict, match="unknown"):
        await store.check_lease(Lease(SESSION, 0, 2))


async def test_a_lease_of_another_transcript_is_a_conflict(store: AnyStore) -> None:
    lease = await store.acquire_lease(OTHER, 0)
    with pytest.raises(StoreConflict, match="the lease is for"):
        await store.append_entries(SESSION, (entry(0),), lease=lease)
    with pytest.raises(StoreConflict):
        await store.acquire_lease(SESSION, -1)


# --- races


async def test_racing_attempts_take_different_tokens(store: AnyStore) -> None:
    leases = await asyncio.gather(*(store.acquire_lease(SESSION, 0) for _ in range(40)))
    assert sorted(lease.token for lease in leases) == list(range(1, 41))


async def test_of_racing_appends_one_wins(store: AnyStore) -> None:
    texts = [f"writer {number}" for number in range(30)]
    outcomes = await asyncio.gather(
        *(store.append_entries(SESSION, (entry(0, text), entry(1, text))) for text in texts),
        return_exceptions=True,
    )
    (winner,) = [text for text, outcome in zip(texts, outcomes, strict=True) if outcome is None]
    assert all(outcome is None or isinstance(outcome, StoreConflict) for outcome in outcomes)
    assert [read.message.text for read in await store.read_entries(SESSION)] == [winner, winner]


async def test_racing_repeats_of_one_append_all_succeed(store: AnyStore) -> None:
    await asyncio.gather(*(store.append_entries(SESSION, (entry(0), entry(1))) for _ in range(30)))
    assert seqs(await store.read_entries(SESSION)) == [0, 1]


async def test_an_append_and_the_attempt_that_supersedes_it_agree_on_who_was_first(store: AnyStore) -> None:
    for seq in range(40):
        first = await store.acquire_lease(SESSION, seq)

        async def later(seq: int = seq) -> BaseException | None:
            second = await store.acquire_lease(SESSION, seq)
            try:
                await store.append_entries(SESSION, (entry(seq, "later"),), lease=second)
            except StoreConflict as conflict:
                return conflict
            return None

        append = store.append_entries(SESSION, (entry(seq, "first"),), lease=first)
        early, late = await asyncio.gather(append, later(), return_exceptions=True)
        (read,) = await store.read_entries(SESSION, after=seq - 1)
        if early is None:
            assert (read.message.text, type(late)) == ("first", StoreConflict)
        else:
            assert (read.message.text, type(early), late) == ("later", Superseded, None)
