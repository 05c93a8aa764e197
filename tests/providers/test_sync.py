"""The blocking face of a provider: over the scripted one, and over HTTP where a connection must be let go."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from tamma.errors import AuthFailed, ConfigError, Overloaded, StreamInterrupted
from tamma.model.conversation import Finish, Request, Start, StreamEvent, TextDelta, user
from tamma.providers.interface import ProviderSettings
from tamma.providers.operations.sync import SyncOperations
from tamma.providers.operations.types import ReviewChanges
from tamma.providers.scripted.provider import Scripted
from tamma.providers.sync import SyncProvider
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import HttpVendor, Said, ask
from tests.providers.vendors.chat import LocalVendor
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer

HELLO = {"text": "one two three"}
HTTP: list[HttpVendor] = [AnthropicVendor(), LocalVendor()]


def scripted(*turns: object) -> Scripted:
    return Scripted(ProviderSettings("mine", "scripted", options={"turns": list(turns)}))


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("provider ")}


def test_every_call_of_a_provider_has_a_blocking_one() -> None:
    with SyncProvider(scripted(HELLO)) as provider:
        events = list(provider.stream(ask()))
        assert isinstance(events[0], Start)
        assert isinstance(events[-1], Finish)
        assert [event.text for event in events if isinstance(event, TextDelta)] == ["one ", "two ", "three"]
        assert provider.complete(ask()).message.text == "one two three"
        assert provider.count_tokens(ask()).tokens > 0
        assert provider.capabilities("x").structured_output
        assert provider.models() == ()
        assert provider.check().ok
        assert threads()
    assert not threads()


def test_operations_block_too() -> None:
    with SyncProvider(scripted({"text": '{"approved": true, "findings": []}'})) as provider:
        outcome = SyncOperations(provider).review_changes(ReviewChanges("+x = 1", "set x"))
    assert outcome.answer.approved


def test_errors_come_after_the_events_before_them() -> None:
    turn = {**HELLO, "error": {"type": "Overloaded", "after_chunks": 2}}
    seen: list[StreamEvent] = []
    with SyncProvider(scripted(turn)) as provider:
        with pytest.raises(Overloaded):
            seen.extend(provider.stream(ask()))
        with pytest.raises(Overloaded):
            provider.complete(ask())
    assert [type(event) for event in seen] == [Start, TextDelta, TextDelta]


def test_a_provider_that_cannot_start_leaves_no_thread() -> None:
    refusing = AnthropicVendor().provider("http://127.0.0.1:9", api_key=None)
    with pytest.raises(AuthFailed), SyncProvider(refusing):
        pass
    assert not threads()


def test_outside_of_the_block_it_is_of_no_use() -> None:
    provider = SyncProvider(scripted(HELLO))
    with pytest.raises(ConfigError, match="not open"):
        provider.complete(ask())
    with provider:
        pass
    with pytest.raises(ConfigError, match="not open"):
        provider.stream(ask())
    provider.close()


async def test_it_refuses_to_stop_a_running_loop() -> None:
    with pytest.raises(ConfigError, match="running event loop") as caught, SyncProvider(scripted(HELLO)):
        pass
    assert "to_thread" in str(caught.value.hint)
    provider = await asyncio.to_thread(SyncProvider(scripted(HELLO)).__enter__)
    with pytest.raises(ConfigError, match="running event loop"):
        provider.complete(ask())
    with pytest.raises(ConfigError, match="running event loop"):
        provider.stream(ask())
    assert (await asyncio.to_thread(provider.complete, ask())).message.text == "one two three"
    provider.close()
    assert not threads()


def test_threads_share_one_provider() -> None:
    answers: list[str] = []
    with SyncProvider(scripted({**HELLO, "chunk_ms": 400})) as provider:
        began = time.monotonic()
        asking = [
            threading.Thread(target=lambda: answers.append(provider.complete(ask()).message.text))
            for _ in range(8)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(10)
        assert time.monotonic() - began < 8 * 0.8, "they wait for their answers at the same time"
    assert answers == ["one two three"] * 8


@pytest.mark.parametrize("vendor", HTTP, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("way", ["close", "forget", "leave", "interrupt"])
async def test_a_half_read_answer_is_hung_up(vendor: HttpVendor, way: str) -> None:
    def read(url: str) -> None:
        with SyncProvider(vendor.provider(url)) as provider:
            events = provider.stream(ask())
            assert isinstance(next(events), Start)
            began = time.monotonic()
            if way == "close":
                events.close()
            elif way == "forget":
                del events
            elif way == "interrupt":
                with pytest.raises(KeyboardInterrupt):
                    events.throw(KeyboardInterrupt())
            else:
                provider.close()
                with pytest.raises(StreamInterrupted, match="closed"):
                    list(events)
            assert time.monotonic() - began < PROMPT

    # In one piece: a client that goes while the server still writes is told from one that hangs up.
    begun = b"".join(vendor.wire(Said(["one ", "two ", "three"]))[:4])
    async with RawServer(Answer([begun, "hang"])) as server:
        await asyncio.to_thread(read, server.url)
        async with asyncio.timeout(PROMPT):
            await server.hung_up.wait()


def read_all(provider: SyncProvider, request: Request) -> list[StreamEvent]:
    return list(provider.stream(request))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as on a terminal: what a shell starts in the background begins with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("wait", [SyncProvider.complete, read_all])
def test_ctrl_c_ends_a_call_that_waits(wait: Callable[[SyncProvider, Request], object]) -> None:
    asked, hung_up = threading.Event(), threading.Event()
    main = threading.get_ident()

    class Endless(Scripted):
        async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
            try:
                asked.set()
                await asyncio.Event().wait()
                yield Start("never")
            finally:
                hung_up.set()

    def interrupt() -> None:
        assert asked.wait(10)
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=interrupt)
    with SyncProvider(Endless(ProviderSettings("mine", "scripted", options={"turns": [HELLO]}))) as opened:
        presser.start()
        with pytest.raises(KeyboardInterrupt):
            wait(opened, ask())
        assert hung_up.is_set(), "when the interrupt arrives, the call has let go"
    presser.join()
    assert not threads()


@pytest.mark.parametrize("vendor", HTTP, ids=lambda vendor: vendor.name)
async def test_a_connection_outlives_a_call(vendor: HttpVendor) -> None:
    def read(url: str) -> list[str]:
        with SyncProvider(vendor.provider(url)) as provider:
            return [provider.complete(Request("", (user(word),))).message.text for word in ("a", "b", "c")]

    async with RawServer(Answer(vendor.wire(Said(["x ", "y"])))) as server:
        assert await asyncio.to_thread(read, server.url) == ["x y"] * 3
        assert server.connections == 1
