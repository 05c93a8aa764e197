"""What every provider does, asked of all of them over their own wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from decimal import Decimal

import pytest

from tamma.errors import ProviderError
from tamma.model.conversation import (
    CostSource,
    Finish,
    FinishReason,
    Start,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageUpdate,
)
from tamma.providers.interface import Price, Provider, ProviderSettings, complete
from tamma.providers.scripted.provider import Scripted
from tests.providers.refusals import REFUSALS
from tests.providers.vendors import ALL, HTTP, WIRELESS
from tests.providers.vendors.base import (
    KEY,
    Call,
    Feature,
    HttpVendor,
    RefusingVendor,
    Said,
    Vendor,
    ask,
    broken_off,
    serve,
)
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer


@pytest.fixture(params=ALL, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def needs(vendor: Vendor, *features: Feature) -> None:
    """Skip, saying why, where the vendor lacks one of `features`."""
    for feature in features:
        if feature in vendor.lacks:
            pytest.skip(f"{vendor.name} has no {feature}: {vendor.lacks[feature]}")


async def events_of(provider: Provider) -> list[StreamEvent]:
    return [event async for event in provider.stream(ask())]


@pytest.mark.parametrize(
    "pieces",
    [["Hello"], ["Hel", "lo ", "there"], ["día ", "日本", "語 🦜", "\u2028x"], ['quo"te\n', "\\back"]],
)
async def test_text_arrives_whole(vendor: Vendor, stack: AsyncExitStack, pieces: list[str]) -> None:
    provider = await vendor.saying(Said(pieces), stack)
    events = await events_of(provider)
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Finish)
    assert sum(isinstance(event, Finish) for event in events) == 1
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "".join(pieces)
    assert (await complete(provider, ask())).message.text == "".join(pieces)


@pytest.mark.parametrize(
    "calls",
    [
        [Call("c1", "read", '{"path": "a.py"}')],
        [Call("c1", "read", '{"path": "ä.py"}'), Call("c2", "run", ""), Call("c3", "read", '{"n": [1, 2]}')],
    ],
    ids=["one", "several"],
)
async def test_tool_calls_arrive_in_order(vendor: Vendor, stack: AsyncExitStack, calls: list[Call]) -> None:
    needs(vendor, "tools")
    provider = await vendor.saying(Said(["I look."], calls), stack)
    events = await events_of(provider)
    ends = [event for event in events if isinstance(event, ToolCallEnd)]
    assert [(end.index, end.call.name, end.call.args_json, end.parse_error) for end in ends] == [
        (index, call.name, call.args or "{}", None) for index, call in enumerate(calls)
    ]
    assert [event.name for event in events if isinstance(event, ToolCallStart)] == [
        call.name for call in calls
    ]
    for end in ends:
        fragments = [e.args_fragment for e in events if isinstance(e, ToolCallDelta) and e.index == end.index]
        if "fragmented arguments" not in vendor.lacks:
            assert ("".join(fragments) or "{}") == end.call.args_json
    assert len({end.call.id for end in ends}) == len(calls)
    completion = await complete(provider, ask())
    assert completion.finish.reason is FinishReason.TOOL_CALLS
    assert [call.name for call in completion.message.tool_calls] == [call.name for call in calls]


async def test_calls_that_come_in_turn_are_set_apart(vendor: Vendor, stack: AsyncExitStack) -> None:
    needs(vendor, "tools", "interleaved calls")
    calls = [
        Call("c1", "read", '{"path": "a.py"}'),
        Call("c2", "run", '{"n": [1, 2]}'),
        Call("c3", "run", ""),
    ]
    provider = await vendor.saying(Said(["I look."], calls, interleaved=True), stack)
    events = await events_of(provider)
    ends = {event.index: event for event in events if isinstance(event, ToolCallEnd)}
    assert [(ends[index].call.name, ends[index].call.args_json) for index in sorted(ends)] == [
        (call.name, call.args or "{}") for call in calls
    ]
    assert all(end.parse_error is None for end in ends.values())
    assert len({end.call.id for end in ends.values()}) == len(calls)
    for index, call in enumerate(calls):
        fragments = [e.args_fragment for e in events if isinstance(e, ToolCallDelta) and e.index == index]
        assert ("".join(fragments) or "{}") == (call.args or "{}")


@pytest.mark.parametrize("args", ['{"path": ', "[1, 2]", "not json"])
async def test_broken_arguments_are_reported_not_raised(
    vendor: Vendor, stack: AsyncExitStack, args: str
) -> None:
    needs(vendor, "tools", "broken arguments")
    provider = await vendor.saying(Said([], [Call("c1", "edit", args), Call("c2", "run", "{}")]), stack)
    first, second = [event for event in await events_of(provider) if isinstance(event, ToolCallEnd)]
    assert first.parse_error is not None
    assert first.call.args_json == args.strip()
    assert second.parse_error is None


async def test_usage_is_counted_once(vendor: Vendor, stack: AsyncExitStack) -> None:
    needs(vendor, "exact usage")
    provider = await vendor.saying(Said(["x"], usage=(1234, 56)), stack)
    events = await events_of(provider)
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.usage.input_total, finish.usage.output_total) == (1234, 56)
    assert not finish.usage.estimated
    assert [event.usage for event in events if isinstance(event, UsageUpdate)][-1] == finish.usage


async def test_each_finish_reason_is_told(vendor: Vendor, stack: AsyncExitStack) -> None:
    needs(vendor, "finish reasons")
    for reason, native in vendor.finishes.items():
        calls = [Call("c", "run", "{}")] if reason is FinishReason.TOOL_CALLS else []
        provider = await vendor.saying(Said(["x"], calls, finish=reason), stack)
        finish = (await complete(provider, ask())).finish
        assert (finish.reason, finish.native_reason) == (reason, native)


async def test_an_empty_answer_is_an_answer(vendor: Vendor, stack: AsyncExitStack) -> None:
    needs(vendor, "empty answer")
    completion = await complete(await vendor.saying(Said(), stack), ask())
    assert completion.message.parts == ()
    assert completion.finish.reason is FinishReason.STOP


@pytest.mark.parametrize("size", [1 << 20, 1 << 14], ids=["at-once", "in-parts"])
async def test_a_megabyte_is_an_answer(vendor: Vendor, stack: AsyncExitStack, size: int) -> None:
    alphabet = "0123456789abcdé\n"  # 17 bytes
    text = alphabet * (1_100_000 // 17)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    completion = await complete(await vendor.saying(Said(pieces), stack), ask())
    assert len(completion.message.text.encode()) > 1 << 20
    assert completion.message.text == text
    assert completion.finish.reason is FinishReason.STOP


async def test_calls_do_not_disturb_each_other(vendor: Vendor, stack: AsyncExitStack) -> None:
    provider = await vendor.saying(Said([f"word{n} " for n in range(50)]), stack)
    completions = await asyncio.gather(*(complete(provider, ask()) for _ in range(8)))
    assert {completion.message.text for completion in completions} == {
        "".join(f"word{n} " for n in range(50))
    }


async def test_figures_about_a_model(vendor: Vendor, stack: AsyncExitStack) -> None:
    provider = await vendor.saying(Said(), stack)
    capabilities = provider.capabilities("some-model")
    assert capabilities.model == "some-model"
    assert capabilities.source != "default"


async def test_it_starts_twice_and_closes_twice(vendor: Vendor, stack: AsyncExitStack) -> None:
    provider = await vendor.saying(Said(["x"]), stack)
    await provider.start()
    await provider.start()
    assert (await complete(provider, ask())).message.text == "x"
    await provider.close()
    await provider.close()


# --- refusals, where there is no wire; test_http_faults has the others --------------------------


@pytest.mark.parametrize("wireless", WIRELESS, ids=lambda vendor: vendor.name)
async def test_each_refusal_is_told_as_what_it_is(wireless: Vendor, stack: AsyncExitStack) -> None:
    needs(wireless, "refusals")
    assert isinstance(wireless, RefusingVendor)
    for refusal, (provider, request) in zip(REFUSALS, await wireless.refusing(REFUSALS, stack), strict=True):
        with pytest.raises(ProviderError) as caught:
            await complete(provider, request)
        assert type(caught.value) is refusal.expected
        assert caught.value.retry_after == 2.5
        assert KEY not in str(caught.value)


# --- cancellation --------------------------------------------------------------------------------


@pytest.mark.parametrize("http_vendor", HTTP, ids=lambda vendor: vendor.name)
async def test_closing_the_iterator_hangs_up(http_vendor: HttpVendor) -> None:
    async with RawServer(broken_off(http_vendor, "hang")) as server:
        provider = http_vendor.provider(server.url)
        async with aclosing(provider.stream(ask())) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
        await asyncio.wait_for(server.hung_up.wait(), PROMPT)
        await provider.close()


@pytest.mark.parametrize("http_vendor", HTTP, ids=lambda vendor: vendor.name)
async def test_cancelling_the_reader_hangs_up(http_vendor: HttpVendor) -> None:
    async with RawServer(broken_off(http_vendor, "hang")) as server:
        provider = http_vendor.provider(server.url)
        reading = asyncio.Event()

        async def read() -> None:
            async for event in provider.stream(ask()):
                if isinstance(event, TextDelta):
                    reading.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(reading.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), PROMPT)
        await provider.close()


async def test_a_scripted_wait_can_be_cancelled() -> None:
    turn = {"text": "one two three", "chunk_ms": 60_000}
    provider = Scripted(ProviderSettings("mine", "scripted", options={"turns": [turn]}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await complete(provider, ask())


# --- cost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("http_vendor", HTTP, ids=lambda vendor: vendor.name)
async def test_a_configured_price_is_used(http_vendor: HttpVendor, stack: AsyncExitStack) -> None:
    answer = Answer(http_vendor.wire(Said(["x"], usage=(1_000_000, 500_000))))
    provider = await serve(http_vendor, answer, stack, price=Price(Decimal(2), Decimal(10)))
    cost = (await complete(provider, ask())).finish.cost
    assert (cost.usd, cost.source) == (Decimal(7), CostSource.CONFIG)
