"""What all adapters share: calls within a deadline, answers that are strange, pieces of requests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from tamma.errors import InvalidRequest, ProviderError, ProviderTimeout, StreamInterrupted
from tamma.model.conversation import Request, user
from tamma.providers.chat.errors import to_error
from tamma.providers.common.answers import object_of
from tamma.providers.common.calls import Call, call_for, event_data, fetched, opened, ours, parsed
from tamma.providers.common.errors import CallContext
from tamma.providers.common.once import Once
from tamma.providers.common.parts import arguments_object, arguments_text
from tamma.providers.common.requests import with_defaults
from tamma.providers.interface import ProviderSettings
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer, json_answer

CONTEXT = CallContext("mine", "m", "host", ("sk-canary-1",))
SETTINGS = ProviderSettings("mine", "local-llm", timeout=20.0, stall_timeout=5.0)


def call_within(seconds: float) -> Call:
    return Call(CONTEXT, asyncio.get_running_loop().time() + seconds, 60.0)


# --- calls ---------------------------------------------------------------------------------------


async def test_a_call_has_the_shorter_of_two_limits() -> None:
    now = asyncio.get_running_loop().time()
    long, short = (call_for(SETTINGS, "m", "http://host", seconds) for seconds in (600.0, 3.0))
    assert 20 <= long.deadline - now < 21
    assert 3 <= short.deadline - now < 4
    assert long.patience == 5.0
    long.hurry(1.0)
    short.hurry(9.0)
    assert long.deadline < short.deadline < now + 4


async def asked(answer: Answer, seconds: float = 5.0) -> object:
    async with RawServer(answer) as server, httpx2.AsyncClient() as client:
        return await fetched(client, client.build_request("GET", server.url), call_within(seconds), to_error)


async def test_an_answer_is_fetched_within_its_deadline() -> None:
    assert await asked(json_answer([1])) == [1]
    begun = time.monotonic()
    with pytest.raises(ProviderTimeout):
        await asked(Answer([b"[1,", 0.1, b" ", *[0.1, b" "] * 600]), 0.3)
    assert time.monotonic() - begun < PROMPT


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_not_json_is_none(body: bytes) -> None:
    with pytest.raises(StreamInterrupted, match="is not JSON"):
        await asked(Answer([body]))


async def test_no_more_of_a_refusal_is_read_than_its_beginning() -> None:
    endless = Answer([b"sk-canary-1 no " * 10_000, "hang"], 400)
    with pytest.raises(InvalidRequest, match=r"\*\*\* no") as caught:
        await asked(endless)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_response_is_closed_however_its_block_is_left() -> None:
    async with RawServer(Answer([b"x", "hang"])) as server, httpx2.AsyncClient() as client:
        request = client.build_request("GET", server.url)
        with pytest.raises(RuntimeError, match="mine"):
            async with opened(client, request, call_within(5), to_error):
                raise RuntimeError("mine")
        await asyncio.wait_for(server.hung_up.wait(), PROMPT)


async def parts_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_events_without_data_are_left_out() -> None:
    seen: list[bytes] = []
    wire = (b"data: a\n\ndata: \n\n", b"event: b\n\n", b"data: c")
    found = [data async for data in event_data(parts_of(*wire), call_within(5), seen.append)]
    assert (found, seen) == (["a", "c"], list(wire))


async def test_events_without_end_are_an_error_of_ours() -> None:
    events = event_data(parts_of(*[b"data: " + b"x" * (1 << 22)] * 9), call_within(5))
    with pytest.raises(StreamInterrupted, match="larger than") as caught:
        await anext(events)
    assert caught.value.__cause__ is None


def test_what_no_service_can_cause_is_not_called_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        ours(ZeroDivisionError("a fault of our own"), CONTEXT, streaming=True)
    assert parsed(b"[" * 100_000) == "[" * 100_000
    assert parsed(b"no \xff") == "no \ufffd"


@pytest.mark.parametrize("data", ["", "{", "[1]", "null", "[" * 100_000])
def test_a_part_that_is_no_object_is_an_interruption(data: str) -> None:
    with pytest.raises(StreamInterrupted) as caught:
        object_of(data, CONTEXT)
    assert isinstance(caught.value, ProviderError)


# --- clients -------------------------------------------------------------------------------------


async def test_it_is_made_once_off_the_loop_and_again_after_it_was_taken() -> None:
    made: list[str] = []

    def make() -> int:
        made.append(threading.current_thread().name)
        return len(made)

    held = Once(make)
    assert held.take() is None
    assert await asyncio.gather(*(held.get() for _ in range(5))) == [1] * 5
    assert threading.current_thread().name not in made
    assert held.take() == 1
    assert await held.get() == 2


async def test_what_could_not_be_made_is_tried_again() -> None:
    outcomes = [ValueError("not yet"), 5]

    def make() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    held = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        await held.get()
    assert await held.get() == 5


# --- requests ------------------------------------------------------------------------------------


def test_the_requests_own_figures_go_before_the_configured_ones() -> None:
    settings = replace(SETTINGS, temperature=0.5, max_output_tokens=7)
    plain = with_defaults(Request("m", (user("hi"),)), settings)
    own = with_defaults(Request("m", (user("hi"),), temperature=0.0, max_output_tokens=9), settings)
    assert (plain.temperature, plain.max_output_tokens) == (0.5, 7)
    assert (own.temperature, own.max_output_tokens) == (0.0, 9)


@pytest.mark.parametrize("broken", ["{broken", "[1, 2]", "5", '"x"', "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_shown_to_the_model(broken: str) -> None:
    assert arguments_object(broken) == {"invalid_json": broken}
    assert json.loads(arguments_text(broken)) == {"invalid_json": broken}


def test_arguments_stay_as_they_are() -> None:
    written = '{"b":  1, "a": "ä"}'
    assert arguments_object(written) == {"b": 1, "a": "ä"}
    assert arguments_text(written) == written
    assert (arguments_object(""), arguments_text("")) == ({}, "{}")
