"""z.ai: plans and protocols, business codes, and thinking that wants to come back."""

from __future__ import annotations

from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    ConfigError,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from tamma.model.conversation import (
    Capabilities,
    CostSource,
    FinishReason,
    Message,
    Request,
    Role,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    user,
)
from tamma.providers.chat import errors as chat_errors
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.zai.errors import ERRORS, GROUPS
from tamma.providers.zai.provider import ZAI, Zai, effort
from tests.providers.vendors.base import KEY, HttpVendor, Said, ask
from tests.providers.vendors.chat import DONE, openai_chunk
from tests.providers.vendors.zai import ZaiMessagesVendor, ZaiVendor
from tests.support.raw_http import Answer, RawServer, Received, json_answer

CONTEXT = CallContext("mine", "glm-5.3", "host")
GLM = "glm-5.3"
TOOL = Tool("read", "reads", {"type": "object"})


async def received(vendor: HttpVendor, request: Request, **settings: Any) -> Received:
    async with RawServer(Answer(vendor.wire(Said(["x"])))) as server:
        provider = vendor.provider(server.url, **settings)
        await complete(provider, request)
        await provider.close()
        return server.received[0]


async def failure(vendor: HttpVendor, answer: Answer) -> ProviderError:
    async with RawServer(answer) as server:
        provider = vendor.provider(server.url)
        with pytest.raises(ProviderError) as caught:
            await complete(provider, ask())
        await provider.close()
    return caught.value


# --- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wrong"),
    [({"plans": "coding"}, "plans"), ({"plan": "code"}, "'code'"), ({"protocol": 5}, "5")],
)
def test_a_wrong_option_is_refused_with_what_there_is(options: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        Zai(ProviderSettings("mine", "zai", api_key=KEY, options=options))
    assert "choose of" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("options", "host_and_path"),
    [
        ({}, "https://api.z.ai/api/paas/v4"),
        ({"plan": "coding"}, "https://api.z.ai/api/coding/paas/v4"),
        ({"protocol": "anthropic"}, "https://api.z.ai/api/anthropic"),
        ({"protocol": "anthropic", "plan": "coding"}, "https://api.z.ai/api/anthropic"),
    ],
)
def test_each_plan_and_protocol_has_its_address(options: dict[str, object], host_and_path: str) -> None:
    adapter = Zai(ProviderSettings("mine", "zai", api_key=KEY, options=options)).inner
    assert adapter._base_url == host_and_path  # type: ignore[attr-defined]


# --- what is sent --------------------------------------------------------------------------------


async def test_the_form_of_a_request() -> None:
    request = Request(
        GLM,
        (user("hi"),),
        tools=(TOOL,),
        tool_choice=ToolChoice.REQUIRED,
        max_output_tokens=9,
        output_schema={"type": "object"},
    )
    got = await received(ZaiVendor(), request)
    assert (got.path, got.headers["authorization"]) == ("/chat/completions", f"Bearer {KEY}")
    assert got.body["max_tokens"] == 9
    assert got.body["tool_stream"] is True
    assert got.body["response_format"] == {"type": "json_object"}
    assert not {"tool_choice", "stream_options", "max_completion_tokens"} & got.body.keys()


async def test_the_form_of_a_request_over_the_other_protocol() -> None:
    request = Request(GLM, (user("hi"),), tools=(TOOL,), reasoning_effort="high", output_schema={"x": 1})
    got = await received(ZaiMessagesVendor(), request)
    assert got.path == "/v1/messages"
    assert got.headers["authorization"] == f"Bearer {KEY}"
    assert got.body["tool_choice"] == {"type": "auto"}
    assert not {"thinking", "output_config", "temperature"} & got.body.keys()


@pytest.mark.parametrize(
    ("levels", "level", "fields"),
    [
        ((), "low", {"thinking": {"type": "disabled"}}),
        ((), "medium", {"thinking": {"type": "enabled"}}),
        ((), "high", {"thinking": {"type": "enabled"}}),
        (("low", "high"), "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
        (("low", "high"), "medium", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        (("high", "max"), "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ],
)
def test_effort_as_each_generation_takes_it(
    levels: tuple[str, ...], level: str, fields: dict[str, object]
) -> None:
    assert effort(level, Capabilities("m", reasoning_levels=levels)) == fields


async def test_thinking_comes_back_with_the_results_of_its_calls() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "read", "arguments": "{}"}}
    wire = [
        openai_chunk({"role": "assistant", "reasoning_content": "I "}),
        openai_chunk({"reasoning_content": "look."}),
        openai_chunk({"tool_calls": [call]}),
        openai_chunk({}, "tool_calls", usage={"prompt_tokens": 5, "completion_tokens": 5}),
        DONE,
    ]
    async with RawServer(Answer(wire)) as server:
        provider = ZaiVendor().provider(server.url)
        first = await complete(provider, Request(GLM, (user("hi"),), tools=(TOOL,)))
        result = Message(Role.USER, (ToolResult("c1", "out"),))
        await complete(provider, Request(GLM, (user("hi"), first.message, result), tools=(TOOL,)))
        assistant = server.received[1].body["messages"][1]
        assert assistant["reasoning_content"] == "I look."
        assert [part["id"] for part in assistant["tool_calls"]] == ["c1"]
        foreign = Message(Role.ASSISTANT, (*first.message.parts[:1], ToolCall("c1", "read", "{}")))
        await complete(provider, Request("glm-4.7", (user("hi"), foreign, result), tools=(TOOL,)))
        assert "reasoning_content" not in server.received[2].body["messages"][1]
        await provider.close()


# --- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((1000, 1001, 1002, 1003, 1004, 1110, 1111, 1112, 1121, 1220, 1311, 1313), AuthFailed),
        ((1113, 1304, 1308, 1309, 1310, 1316, 1317), QuotaExhausted),
        ((1302, 1303), RateLimited),
        ((500, 1120, 1200, 1230, 1234, 1305, 1312), Overloaded),
        ((1211, 1221, 1222), ModelNotFound),
        ((1261,), ContextOverflow),
        ((1300, 1301), ContentFiltered),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_the_code_decides_whatever_the_status(
    codes: tuple[int, ...], expected: type[ProviderError], status: int
) -> None:
    for code in codes:
        for form in (str(code), code):
            body = {"error": {"code": form, "message": "because"}}
            assert type(chat_errors.to_error(status, body, {}, CONTEXT, ZAI)) is expected


@pytest.mark.parametrize("vendor", [ZaiVendor(), ZaiMessagesVendor()], ids=lambda vendor: vendor.name)
@pytest.mark.parametrize(
    ("status", "kind", "code", "expected"),
    [
        (429, "rate_limit_error", "1310", QuotaExhausted),
        (429, "rate_limit_error", "1113", QuotaExhausted),
        (429, "rate_limit_error", "1305", Overloaded),
        (429, "rate_limit_error", 1302, RateLimited),
        (400, "invalid_request_error", "1261", ContextOverflow),
    ],
)
async def test_the_code_decides_over_both_protocols(
    vendor: HttpVendor, status: int, kind: str, code: object, expected: type[ProviderError]
) -> None:
    body = {"type": "error", "error": {"type": kind, "code": code, "message": "[x] because"}}
    assert type(await failure(vendor, json_answer(body, status))) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"code": 1113, "msg": "Insufficient balance", "success": False}, QuotaExhausted),
        ({"code": 401, "msg": "token expired or incorrect", "success": False}, AuthFailed),
        ({"error": {"code": "1214", "message": "Input cannot be empty"}}, ProviderError),
    ],
)
async def test_an_error_with_status_200_is_one(body: object, expected: type[ProviderError]) -> None:
    found = await failure(ZaiVendor(), json_answer(body, 200))
    assert isinstance(found, expected)
    assert not found.may_retry


async def test_a_broken_inference_is_reported_as_a_finish_reason() -> None:
    wire = [openai_chunk({"content": "half"}), openai_chunk({}, "network_error"), DONE]
    found = await failure(ZaiVendor(), Answer(wire))
    assert type(found) is Overloaded
    assert "network_error" in str(found)


async def test_an_answer_is_priced_by_its_model() -> None:
    said = Said(["x"], usage=(1_000_000, 0), finish=FinishReason.STOP)
    for vendor in (ZaiVendor(), ZaiMessagesVendor()):
        wire = [part.replace(b"claude-sonnet-5-5", GLM.encode()) for part in vendor.wire(said)]
        async with RawServer(Answer(wire)) as server:
            provider = vendor.provider(server.url, model=None)
            finish = (await complete(provider, Request("", (user("hi"),)))).finish
            assert server.received[0].body["model"] == GLM
            assert finish.cost.source is CostSource.PRICES
            assert finish.cost.usd
            await provider.close()


@pytest.mark.parametrize("vendor", [ZaiVendor(), ZaiMessagesVendor()], ids=lambda vendor: vendor.name)
async def test_a_check_is_a_call_of_a_few_tokens(vendor: HttpVendor) -> None:
    async with RawServer(Answer(vendor.wire(Said(["ok"])))) as server:
        provider = vendor.provider(server.url)
        checked = await provider.check()
        assert checked.ok
        (call,) = server.received
        assert (call.method, call.body["max_tokens"]) == ("POST", 16)
        assert await provider.models() == ()
        assert (await provider.count_tokens(ask())).estimated
        assert len(server.received) == 1
        await provider.close()


def test_every_code_has_one_meaning() -> None:
    assert sum(map(len, GROUPS.values())) == len(ERRORS)
    assert ZAI.error_codes is ERRORS
