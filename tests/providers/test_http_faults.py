"""What goes wrong on the wire, for every adapter that has one."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Set
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamma.errors import (
    AuthFailed,
    ConfigError,
    InvalidRequest,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import Completion, TextDelta
from tamma.providers.interface import Provider, complete
from tests.providers.refusals import REFUSALS
from tests.providers.vendors import HTTP
from tests.providers.vendors.anthropic import AnthropicVendor, anthropic_event
from tests.providers.vendors.base import (
    KEY,
    MODEL,
    Call,
    HttpVendor,
    Refusal,
    Said,
    ask,
    broken_off,
    serve,
    settings_for,
)
from tests.providers.vendors.chat import DONE, LocalVendor, openai_chunk
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer, Step, json_answer


@pytest.fixture(params=HTTP, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> HttpVendor:
    return request.param


async def failure(vendor: HttpVendor, answer: Answer, **settings: object) -> ProviderError:
    """The error that `answer` leads to; the stream must not have finished."""
    async with AsyncExitStack() as stack:
        provider = await serve(vendor, answer, stack, **settings)
        with pytest.raises(ProviderError) as caught:
            await complete(provider, ask())
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_each_refusal_is_told_as_what_it_is(vendor: HttpVendor, refusal: Refusal) -> None:
    if refusal.needs in vendor.lacks:
        pytest.skip(f"{vendor.name} has no {refusal.needs}: {vendor.lacks[refusal.needs]}")
    body = vendor.error_body(refusal.status, refusal.kind, f"{refusal.message}, {KEY}")
    error = await failure(vendor, json_answer(body, refusal.status, retry_after_ms="2500", request_id="r1"))
    assert type(error) is refusal.expected
    assert error.may_retry is (refusal.expected in (RateLimited, Overloaded, ProviderTimeout))
    assert error.retry_after == 2.5
    assert error.provider == "mine"
    assert "***" in str(error)


@pytest.mark.parametrize("form", ["milliseconds", "seconds", "date"])
async def test_when_to_come_back_is_read_in_each_form(vendor: HttpVendor, form: str) -> None:
    headers = {
        "milliseconds": {"retry_after_ms": "30500", "retry_after": "31"},  # the finer one goes first
        "seconds": {"retry_after": "30.5"},
        "date": {"retry_after": format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True)},
    }[form]
    body = vendor.error_body(429, "rate_limit_error", "slow down")
    error = await failure(vendor, json_answer(body, 429, **headers))
    assert type(error) is RateLimited
    assert error.retry_after == 30.5 or (form == "date" and 25 < (error.retry_after or 0) <= 31)


async def test_a_refusal_that_is_not_json(vendor: HttpVendor) -> None:
    error = await failure(vendor, Answer([b"<html>Bad gateway</html>"], 502, content_type="text/html"))
    assert isinstance(error, Overloaded)
    assert "Bad gateway" in str(error)


async def test_a_web_site_is_no_interruption(vendor: HttpVendor) -> None:
    """The address is wrong: asking again and again would not help."""
    page = Answer([b"<!doctype html><title>Welcome</title>"], content_type="text/html; charset=utf-8")
    error = await failure(vendor, page)
    assert type(error) is InvalidRequest
    assert "web page" in str(error)
    assert "baseUrl" in (error.hint or "")


async def test_a_redirect_is_not_followed(vendor: HttpVendor) -> None:
    async with RawServer(Answer([b"secret"])) as elsewhere:
        away = Answer([], 307, {"location": elsewhere.url + "/v1/messages"})
        error = await failure(vendor, away)
        assert type(error) is InvalidRequest
        assert "baseUrl" in (error.hint or "")
        assert elsewhere.received == []


# --- in the middle of an answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [(), ("drop",), (b'data: {"type": "content_blo\n\n',), (b"event: x\ndata: {\n\n",), (b"data: \xff\n\n",)],
    ids=["truncated", "dropped", "malformed", "malformed-json", "not-utf8"],
)
async def test_half_an_answer_is_no_answer(vendor: HttpVendor, end: tuple[Step, ...]) -> None:
    error = await failure(vendor, broken_off(vendor, *end))
    assert type(error) is StreamInterrupted
    assert error.may_retry


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b": only a comment\n\n", b"data: [1]\n\n", b'data: "x"\n\n']
)
async def test_a_stream_that_is_none(vendor: HttpVendor, body: bytes) -> None:
    assert type(await failure(vendor, Answer([body]))) is StreamInterrupted


async def test_events_with_missing_fields() -> None:
    for event in (
        {"type": "content_block_delta", "index": 0},
        {"type": "message_start"},
        {"type": "message_delta"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}},
    ):
        answer = Answer([*AnthropicVendor().wire(Said(["x"]))[:2], anthropic_event(event)])
        assert type(await failure(AnthropicVendor(), answer)) is StreamInterrupted
    for delta in ({"content": 5}, {"tool_calls": "x"}, {"tool_calls": [5]}, "text"):
        chunk = openai_chunk(delta)  # type: ignore[arg-type]  # wrong on purpose
        assert type(await failure(LocalVendor(), Answer([chunk]))) is StreamInterrupted
    last = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": "much"}\n\n'
    assert type(await failure(LocalVendor(), Answer([last]))) is StreamInterrupted


async def test_an_error_with_status_200(vendor: HttpVendor) -> None:
    event = vendor.error_event("overloaded_error", f"busy {KEY}")
    if event is None:
        pytest.skip(f"{vendor.name} reports no errors inside a stream")
    for answer in (broken_off(vendor, event), Answer([event])):
        error = await failure(vendor, answer)
        assert type(error) is Overloaded
        assert "busy ***" in str(error)


async def test_a_stall_is_a_timeout(vendor: HttpVendor) -> None:
    begun = time.monotonic()
    error = await failure(vendor, broken_off(vendor, "hang"), stall_timeout=0.3)
    assert type(error) is ProviderTimeout
    assert time.monotonic() - begun < PROMPT


async def test_silence_before_the_answer_is_a_timeout(vendor: HttpVendor) -> None:
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))  # accepts, never answers
        provider = vendor.provider(f"http://127.0.0.1:{listener.getsockname()[1]}", stall_timeout=0.3)
        with pytest.raises(ProviderTimeout):
            await complete(provider, ask())
        await provider.close()


@pytest.mark.parametrize("patience", [120.0, 0.2])
async def test_the_whole_call_has_a_limit(vendor: HttpVendor, patience: float) -> None:
    """Bytes keep coming, so nothing stalls; the call ends all the same. With little patience, a stall would
    end it long before its limit, and no timer of ours watches at first."""
    drip: list[Step] = [vendor.silence, 0.05] * 1000
    async with AsyncExitStack() as stack:
        provider = await serve(vendor, broken_off(vendor, *drip), stack, stall_timeout=patience)
        begun = time.monotonic()
        with pytest.raises(ProviderTimeout):
            await complete(provider, ask(timeout=0.5))
        assert time.monotonic() - begun < PROMPT


async def test_a_refused_connection_names_the_host(vendor: HttpVendor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    provider = vendor.provider(f"http://user:password@127.0.0.1:{port}")
    with pytest.raises(ProviderUnreachable) as caught:
        await complete(provider, ask())
    assert f"127.0.0.1:{port}" in (caught.value.hint or "")
    assert "password" not in f"{caught.value} {caught.value.hint}"
    await provider.close()


async def test_a_check_tells_instead_of_raising(vendor: HttpVendor) -> None:
    async with AsyncExitStack() as stack:
        body = vendor.error_body(401, "authentication_error", f"bad {KEY}")
        refused = await (await serve(vendor, json_answer(body, 401), stack)).check()
        assert not refused.ok
        assert KEY not in refused.detail
        if vendor.models_answer is None:  # no such call: a model is asked for a few tokens
            found = await (await serve(vendor, Answer(vendor.wire(Said(["ok"]))), stack)).check()
            assert (found.ok, found.models) == (True, (MODEL,))
            return
        found = await (await serve(vendor, json_answer(vendor.models_answer), stack)).check()
        assert found.ok
        assert found.models == ("m1",)


CUT = Said(
    ["día ", "日本語 \u2028", "🦜"], [Call("c1", "read", '{"path": "ä\\n"}'), Call("c2", "run", '{"n": [1]}')]
)


def test_any_cut_between_packets_gives_the_same_answer(vendor: HttpVendor) -> None:
    """Through the adapter, its SDK and its decoder, however the bytes come."""
    wire = b"".join(vendor.wire(CUT))
    each_byte = frozenset(range(1, len(wire)))

    async def answer(server: RawServer, provider: Provider, cuts: Set[int]) -> Completion:
        edges = [0, *sorted(cuts), len(wire)]
        server.answers = [Answer([wire[start:end] for start, end in pairwise(edges)])]
        return await complete(provider, ask())

    with asyncio.Runner() as runner:

        async def check(cuts: Set[int]) -> None:
            assert await answer(server, provider, cuts) == whole

        server = runner.run(RawServer(Answer()).__aenter__())
        provider = vendor.provider(server.url)
        try:
            whole = runner.run(answer(server, provider, frozenset()))
            assert whole.message.text == "".join(CUT.pieces)
            assert [call.name for call in whole.message.tool_calls] == ["read", "run"]
            cuts = st.frozensets(st.integers(1, len(wire) - 1), max_size=12)

            @settings(max_examples=25, deadline=None)
            @example(each_byte)
            @given(cuts)
            def at_any(cuts: frozenset[int]) -> None:
                runner.run(check(cuts))

            at_any()
        finally:
            runner.run(provider.close())
            runner.run(server.__aexit__(None, None, None))


async def test_one_connection_serves_call_after_call(vendor: HttpVendor) -> None:
    async with RawServer(Answer(vendor.wire(Said(["x"])))) as server:
        provider = vendor.provider(server.url)
        for _ in range(3):
            await complete(provider, ask())
        assert server.connections == 1
        await provider.close()


async def test_an_answer_that_does_not_hang_up_is_still_finished(vendor: HttpVendor) -> None:
    async with AsyncExitStack() as stack:
        provider = await serve(vendor, Answer([*vendor.wire(Said(["x"])), "hang"]), stack)
        assert (await asyncio.wait_for(complete(provider, ask()), PROMPT)).message.text == "x"


async def test_text_before_a_fault_was_seen(vendor: HttpVendor) -> None:
    async with AsyncExitStack() as stack:
        provider = await serve(vendor, broken_off(vendor, "drop"), stack)
        seen: list[str] = []

        async def read() -> None:
            async for event in provider.stream(ask()):
                if isinstance(event, TextDelta):
                    seen.append(event.text)  # noqa: PERF401  # what came before the error is the point

        with pytest.raises(StreamInterrupted):
            await read()
        assert "".join(seen).startswith("one ")


async def test_a_drop_after_the_finish_reason_costs_only_the_usage() -> None:
    """The answer is complete; asking again would be paid again."""
    steps: list[Step] = [openai_chunk({"content": "all"}), openai_chunk({}, "stop"), "drop"]
    async with AsyncExitStack() as stack:
        completion = await complete(await serve(LocalVendor(), Answer(steps), stack), ask())
        assert completion.message.text == "all"
        assert completion.finish.usage.estimated


async def test_done_without_a_finish_reason_is_an_interruption() -> None:
    answer = Answer([openai_chunk({"content": "x"}), DONE])
    assert type(await failure(LocalVendor(), answer)) is StreamInterrupted


# --- addresses and keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.7:8080/v1", "http://models.example/v1", "ftp://x/", "localhost:8080", "http:///v1"],
)
def test_addresses_that_are_refused(vendor: HttpVendor, url: str) -> None:
    with pytest.raises(ConfigError, match="mine"):
        vendor.provider(url)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v1", "http://127.9.9.9/v1", "http://[::1]:1/v1", "https://models.example/v1"]
)
def test_addresses_that_are_taken(vendor: HttpVendor, url: str) -> None:
    assert vendor.provider(url).settings.base_url == url


def test_plain_http_can_be_allowed(vendor: HttpVendor) -> None:
    assert vendor.provider("http://192.0.2.7/v1", options={"allowInsecureHttp": True})


async def test_the_environments_key_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-the-environment")
    provider = AnthropicVendor().provider("http://127.0.0.1:1", api_key=None)
    with pytest.raises(AuthFailed, match="no API key"):
        await complete(provider, ask())


@pytest.mark.parametrize("key", ["sk-abcdefgh\n", "sk-abcdefgh…", "two words", "\x00"])
async def test_a_key_that_cannot_be_one_is_not_sent(vendor: HttpVendor, key: str) -> None:
    provider = vendor.provider("http://127.0.0.1:1", api_key=key)
    with pytest.raises(AuthFailed, match="no key has") as caught:
        await complete(provider, ask())
    assert key.strip() not in str(caught.value)


async def test_a_key_may_stand_in_a_header() -> None:
    async with RawServer(Answer(AnthropicVendor().wire(Said(["x"])))) as server:
        provider = AnthropicVendor().provider(server.url, api_key=None, headers={"Authorization": "Bearer t"})
        assert (await complete(provider, ask())).message.text == "x"
        assert server.received[0].headers["authorization"] == "Bearer t"
        await provider.close()


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(settings_for("local-llm", "http://127.0.0.1:1"))
