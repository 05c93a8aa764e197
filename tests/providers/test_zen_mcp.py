"""`zen-mcp`: from a request to a tool's arguments, and from its result to an answer or an error."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    ConfigError,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import CostSource, Message, Request, Role, Text, user
from tamma.providers.interface import Price, ProviderSettings, complete
from tamma.providers.mcp.options import wiring
from tamma.providers.mcp.provider import ZenMcp
from tamma.providers.mcp.threads import Threads
from tests.mcp.scripts import says, script_options
from tests.providers.vendors.zen_mcp import pal
from tests.support.pace import PROMPT

CANARY = "canary-0123456789"


def settings(options: dict[str, Any], **more: Any) -> ProviderSettings:
    return ProviderSettings("mine", "zen-mcp", model="m", options=options, **more)


@asynccontextmanager
async def provider(
    options: dict[str, Any] | None = None, *, more: dict[str, Any] | None = None, **order: Any
) -> AsyncGenerator[ZenMcp]:
    made = ZenMcp(settings({**script_options(**order), **(options or {})}, **(more or {})))
    try:
        yield made
    finally:
        await made.close()


def assistant(text: str) -> Message:
    return Message(Role.ASSISTANT, (Text(text),))


def calls(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["arguments"] for line in log.read_text().splitlines()]


async def test_the_arguments_of_pals_chat(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with provider(answers=[says(pal("fine"))], log=str(log)) as made:
        await complete(made, Request("big-model", (user("hello"),)))
    assert calls(log) == [{"prompt": "hello", "model": "big-model", "working_directory_absolute_path": "~"}]


async def test_another_tools_arguments(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = {
        "tool": "ask",
        "argumentMap": {"prompt": "question", "system": "role", "maxOutputTokens": "limit"},
        "arguments": {"style": "short"},
        "resultPath": "answers.0.text",
    }
    answers = [says(json.dumps({"answers": [{"text": "42"}]}))]
    async with provider(options, answers=answers, log=str(log)) as made:
        request = Request("m", (user("hello"),), system="be kind", max_output_tokens=9)
        completion = await complete(made, request)
    assert calls(log) == [{"style": "short", "question": "hello", "role": "be kind", "limit": 9}]
    assert completion.message.text == "42"
    assert completion.finish.native_reason is None


@pytest.mark.parametrize("text", ["plain words", '{"some": "json"}', "[1, 2]", ""])
async def test_a_result_of_no_known_form_is_the_answer(text: str) -> None:
    async with provider(answers=[says(text)]) as made:
        assert (await complete(made, Request("m", (user("hello"),)))).message.text == text


async def test_the_model_that_answered_is_named() -> None:
    async with provider(answers=[says(pal("x", model_used="other"))]) as made:
        completion = await complete(made, Request("m", (user("hello"),)))
        assert completion.finish.served_model == "other"
        assert completion.finish.cost.source is CostSource.UNKNOWN


async def test_a_price_of_the_users_own_is_used() -> None:
    price = {"price": Price(Decimal(1_000_000), Decimal(0))}
    async with provider(answers=[says(pal("x"))], more=price) as made:
        finish = (await complete(made, Request("m", (user("hello"),)))).finish
        assert finish.cost.usd == finish.usage.input_total


# --- the server's own record ---------------------------------------------------------------------


async def test_only_what_is_new_is_sent_where_the_server_has_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    answers = [says(pal("one", thread="t1")), says(pal("two", thread="t1"))]
    async with provider(answers=answers, log=str(log)) as made:
        await complete(made, Request("m", (user("a"),), system="s"))
        talk = (user("a"), assistant("one"), user("b"))
        for _ in range(2):
            await complete(made, Request("m", talk, system="s"))
    first, second, third = calls(log)
    assert "continuation_id" not in first
    assert (second["continuation_id"], second["prompt"]) == ("t1", "b")
    # The server's record has `b` by now: the same question again must not stand on it.
    assert "continuation_id" not in third
    assert "=== user\na" in third["prompt"]


async def test_a_lost_record_costs_one_more_call(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lost = says("Conversation thread 't1' was not found or has expired.", error=True)
    answers = [says(pal("one", thread="t1")), lost, says(pal("two"))]
    async with provider(answers=answers, log=str(log)) as made:
        await complete(made, Request("m", (user("a"),)))
        talk = (user("a"), assistant("one"), user("b"))
        assert (await complete(made, Request("m", talk))).message.text == "two"
    assert len(calls(log)) == 3


def test_records_are_bounded_and_exact() -> None:
    threads = Threads(kept=2)
    for n in range(4):
        threads.keep(f"t{n}", "m", "s", (user(f"q{n}"),), "a")
    assert threads.take("m", "s", (user("q0"), assistant("a"), user("x"))) == (None, 0)
    asked = (user("q3"), assistant("a"), user("x"))
    assert threads.take("m", "other system", asked) == (None, 0)
    assert threads.take("other model", "s", asked) == (None, 0)
    assert threads.take("m", "s", (user("q3"), assistant("b"), user("x"))) == (None, 0)
    assert threads.take("m", "s", asked) == ("t3", 2)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Model 'x' is not available with current API keys. Available models: y", ModelNotFound),
        ("Error in chat: OpenAI API error: 429 rate limit exceeded", RateLimited),
        ("You exceeded your current quota: insufficient_quota", QuotaExhausted),
        ("Error code: 401 - Incorrect API key provided", AuthFailed),
        ("This model's maximum context length is 8192 tokens", ContextOverflow),
        ("Your request was blocked by the content safety policy.", ContentFiltered),
        ("Request timed out.", ProviderTimeout),
        ("API error after 4 attempts: Connection error.", Overloaded),
        ("Error code: 503 - The server is overloaded", Overloaded),
        ("the prompt must not be empty", InvalidRequest),
        ("line 4290 of the file 15031 is odd", InvalidRequest),
    ],
)
@pytest.mark.parametrize("form", ["pal", "plain"])
async def test_errors_are_told_by_their_words(words: str, expected: type[ProviderError], form: str) -> None:
    said = pal(words, status="error") if form == "pal" else words
    async with provider(answers=[says(said, error=True)]) as made:
        with pytest.raises(ProviderError) as caught:
            await complete(made, Request("m", (user("hello"),)))
    assert type(caught.value) is expected
    assert (caught.value.provider, caught.value.model) == ("mine", "m")


async def test_a_refused_prompt_is_an_overflow() -> None:
    async with provider(answers=[says(pal("MANDATORY ACTION", status="resend_prompt"))]) as made:
        with pytest.raises(ContextOverflow):
            await complete(made, Request("m", (user("hello"),)))


async def test_a_result_without_its_path_is_an_error() -> None:
    async with provider({"resultPath": "a.b"}, answers=[says('{"a": {"c": 1}}')]) as made:
        with pytest.raises(InvalidRequest, match=r"no text at 'a\.b'"):
            await complete(made, Request("m", (user("hello"),)))


async def test_a_death_names_the_model_and_no_secret() -> None:
    async with provider(mode="die", env={"CANARY": CANARY}) as made:
        with pytest.raises(StreamInterrupted) as caught:
            await complete(made, Request("m", (user("hello"),)))
    assert caught.value.model == "m"
    assert CANARY not in str(caught.value)


async def test_closing_the_stream_cancels_the_call() -> None:
    async with provider(mode="silent") as made:
        await made.check()

        async def read() -> None:
            async with aclosing(made.stream(Request("m", (user("hello"),)))) as stream:
                await anext(stream)

        task = asyncio.create_task(read())
        await made.models()
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < PROMPT


# --- configuration and check ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either a `command` or a `url`"),
        ({"server": {"command": "x"}, "colour": "red"}, "no option 'colour'"),
        ({"server": "x"}, "`server` must be an object"),
        ({"server": {"command": 5}}, "`command` must be a text"),
        ({"server": {"command": "x", "args": "y"}}, "`args` must be a list"),
        ({"server": {"command": "x", "env": {"A": 1}}}, "every value of `env`"),
        ({"server": {"url": "http://example.com/mcp"}}, "plain http"),
        ({"server": {"command": "x"}, "argumentMap": {"model": "m"}}, "`argumentMap` must say"),
        ({"server": {"command": "x"}, "argumentMap": {"prompt": "p", "mood": "m"}}, "`argumentMap` must say"),
        ({"server": {"command": "x"}, "startTimeout": -1}, "`startTimeout`"),
    ],
)
def test_wrong_options_are_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ZenMcp(settings(options))
    assert words in str(caught.value)


def test_the_key_goes_where_the_server_wants_it() -> None:
    command = {"server": {"command": "pal"}, "apiKeyVariable": "OPENROUTER_API_KEY"}
    started = wiring(settings(command, api_key=CANARY)).server
    assert started.env["OPENROUTER_API_KEY"] == CANARY
    assert started.headers == {}
    joined = wiring(settings({}, api_key=CANARY, base_url="https://pal.example.com/mcp")).server
    assert joined.headers == {"authorization": f"Bearer {CANARY}"}
    assert joined.env == {}
    assert CANARY not in repr(started) + repr(joined)


async def test_check_says_what_is_missing() -> None:
    async with provider(answers=[]) as made:
        assert (await made.check()).ok
    async with provider({"tool": "other"}, answers=[]) as made:
        checked = await made.check()
        assert not checked.ok
        assert "its tools are: chat" in (checked.hint or "")
    absent = ZenMcp(settings({"server": {"command": "no-such-command-anywhere"}}))
    checked = await absent.check()
    assert not checked.ok
    assert "install it" in (checked.hint or "")


async def test_models_are_those_that_listmodels_lists() -> None:
    listing = "# Models\n- `gemma` \u2192 `gemma4:e4b` (128K context)\n  - Local\n- `tiny`\n\n**Tips**: - `x`"
    schema = {"type": "object"}
    tools = [{"name": name, "inputSchema": schema} for name in ("chat", "listmodels")]
    async with provider(tools=tools, answers=[says(pal(listing))]) as made:
        found = await made.models()
        assert [(model.id, model.context_window) for model in found] == [("gemma", 128_000), ("tiny", None)]
    async with provider(answers=[]) as made:
        assert await made.models() == ()
