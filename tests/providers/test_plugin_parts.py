"""The parts of the host of plugins that start no process."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.conversation import Cost, CostSource, Finish, FinishReason, Request, TextDelta, Usage, user
from tamma.plugins.limits import Budget, Limits, Used, exceeded
from tamma.plugins.messages import Failure, Frame, encode, read
from tamma.providers.interface import Price, ProviderSettings
from tamma.providers.plugins import messages
from tamma.providers.plugins.messages import VOCABULARY


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=60), st.floats(0.1, 1))
def test_nobody_gets_more_than_the_share_and_a_burst(steps: list[tuple[float, float]], share: float) -> None:
    """One that runs whenever it may, for any part of each stretch between two looks."""
    now, spent = 100.0, 0.0
    budget = Budget(share).after(now, spent)
    for stretch, part in steps:
        if not budget.overdrawn:
            spent += stretch * part
        now += stretch
        budget = budget.after(now, spent)
    longest = max(stretch for stretch, _ in steps)
    assert spent <= share * (now - 100) + 0.5 + longest + 1e-6


def test_whoever_rests_may_go_on() -> None:
    budget = Budget(0.8).after(1, 0).after(2, 5)
    assert budget.overdrawn
    assert budget.after(4, 5).overdrawn
    assert not budget.after(8, 5).overdrawn


@pytest.mark.parametrize(
    ("used", "why"),
    [
        (Used(1e9, 256 << 20, 32), None),
        (Used(0, (256 << 20) + 1, 1), "256 MB of memory"),
        (Used(0, 0, 33), "33 processes"),
    ],
)
def test_what_is_too_much(used: Used, why: str | None) -> None:
    said = exceeded(used, Limits())
    assert (said is None) if why is None else (why in str(said))


def test_the_figures_are_the_specifications() -> None:
    limits = Limits()
    assert (limits.start_seconds, limits.operation_seconds) == (30, 300)
    assert (limits.memory_bytes, limits.cpu_share) == (256 * 1024 * 1024, 0.8)


async def crossed(*said: object) -> list[object]:
    """What arrives of `said`, byte by byte."""
    reader = asyncio.StreamReader()
    arrived: list[object] = []

    async def listen() -> None:
        while frame := await read(reader):
            assert frame.call == 7
            arrived.append(frame.message(VOCABULARY))

    reading = asyncio.create_task(listen())
    for byte in b"".join(encode(7, message) for message in said):
        reader.feed_data(bytes([byte]))
        await asyncio.sleep(0)
    reader.feed_eof()
    await reading
    return arrived


async def test_messages_arrive_as_they_were_said() -> None:
    settings = ProviderSettings(
        "a", "b", api_key="canary", price=Price(Decimal(1), Decimal("2.50")), options={"x": [1]}
    )
    usage = Usage(3, 1, 1, 4, 2, estimated=True)
    said = [
        messages.Open(settings),
        Request("m", (user("día 🦜\u2028\x00"),), temperature=0.5),
        TextDelta(""),
        Finish(FinishReason.PAUSED, usage, Cost(Decimal("0.10"), CostSource.PROVIDER), "m", None, "native"),
        Failure("RateLimited", "slow", retry_after=1.5, details={"model": "m"}),
    ]
    assert await crossed(*said) == said


async def test_halves_of_characters_are_mended_wherever_they_are() -> None:
    request = Request("m", (user("half \ud83d"),), system="\udc00", metadata={"a": "\ud83e\udd9c"})
    assert await crossed(request) == [
        Request("m", (user("half \ufffd"),), system="\ufffd", metadata={"a": "🦜"})
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xff\xff\xff", "4294967295 bytes is announced"),
        (b"\x00\x00\x00\x04junk", "invalid literal"),
        (b"\x00\x00\x00\x00", "invalid literal"),
    ],
)
async def test_what_is_no_frame_is_refused(data: bytes, why: str) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    with pytest.raises(ValueError, match=why):
        await read(reader)


@pytest.mark.parametrize(
    ("kind", "body"), [("Popen", b"{}"), ("TextDelta", b"{}"), ("TextDelta", b"not json"), ("Finish", b"[]")]
)
def test_what_is_no_message_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=f"is no message|{kind}"):
        Frame(1, kind, body).message(VOCABULARY)


async def test_a_cut_frame_is_the_end() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(encode(1, TextDelta("hello"))[:-1])
    reader.feed_eof()
    assert await read(reader) is None
