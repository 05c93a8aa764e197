"""The scripted provider: the request alone decides what is played."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import ConfigError, InvalidRequest, RateLimited, StreamInterrupted
from tamma.model.conversation import (
    CostSource,
    FinishReason,
    Message,
    Request,
    Role,
    Start,
    Text,
    TextDelta,
    ToolResult,
    user,
)
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.scripted.provider import Scripted


def scripted(**options: Any) -> Scripted:
    return Scripted(ProviderSettings("mine", "scripted", options=options))


def request(answered: int = 0, last: str = "hello", **metadata: str) -> Request:
    history = [m for n in range(answered) for m in (user(f"q{n}"), Message(Role.ASSISTANT, (Text("a"),)))]
    return Request("any", (*history, user(last)), metadata=metadata)


async def text(provider: Scripted, asked: Request) -> str:
    return (await complete(provider, asked)).message.text


async def test_the_conversation_chooses_the_turn() -> None:
    options = {"turns": [{"text": "zero"}, {"text": "one"}, {"text": "two"}]}
    provider = scripted(**options)
    assert [await text(provider, request(n)) for n in (0, 2, 1, 1)] == ["zero", "two", "one", "one"]
    assert await text(scripted(**options), request(1)) == "one"  # as a worker would that took over
    assert await text(provider, request(5, turn="2")) == "two"  # a conversation that was compacted


async def test_the_purpose_chooses_the_lane() -> None:
    provider = scripted(lanes={"plan": [{"text": "a plan"}], "review": [{"text": "fine"}]})
    assert await text(provider, request(purpose="plan")) == "a plan"
    assert await text(provider, request(purpose="review")) == "fine"
    with pytest.raises(InvalidRequest, match="no lane 'agent'") as caught:
        await text(provider, request(purpose="agent"))
    assert "plan, review" in (caught.value.hint or "")
    with_default = scripted(turns=[{"text": "otherwise"}], lanes={"plan": [{"text": "a plan"}]})
    assert await text(with_default, request(purpose="agent")) == "otherwise"


async def test_an_exhausted_script() -> None:
    with pytest.raises(InvalidRequest, match="turn 3 was asked for"):
        await text(scripted(turns=[{"text": "x"}]), request(3))
    assert await text(scripted(turns=[{"text": "x"}], exhausted="repeat_last"), request(3)) == "x"


async def test_an_expectation_guards_a_turn() -> None:
    provider = scripted(turns=[{"expect": {"last_contains": "def add"}, "text": "seen"}])
    assert await text(provider, request(last="…def add(a, b)…")) == "seen"
    result = Request("m", (Message(Role.USER, (ToolResult("c", "def add"),)),))
    assert await text(provider, result) == "seen"
    with pytest.raises(InvalidRequest, match="does not contain 'def add'"):
        await text(provider, request(last="something else"))


async def test_a_fault_strikes_as_often_as_it_says() -> None:
    turns = [{"error": {"type": "RateLimited", "retry_after": 2, "times": 2}, "text": "at last"}]
    for attempt in ("1", "2"):
        with pytest.raises(RateLimited) as caught:
            await text(scripted(turns=turns), request(attempt=attempt))
        assert caught.value.retry_after == 2
    assert await text(scripted(turns=turns), request(attempt="3")) == "at last"
    provider = scripted(turns=turns)  # without the attempt, this process counts
    for _ in range(2):
        with pytest.raises(RateLimited):
            await text(provider, request())
    assert await text(provider, request()) == "at last"


async def test_a_fault_in_the_middle() -> None:
    provider = scripted(
        turns=[{"text": "one two three", "error": {"type": "StreamInterrupted", "after_chunks": 2}}]
    )
    seen: list[object] = []

    async def read() -> None:
        async for event in provider.stream(request()):
            seen.append(event)  # noqa: PERF401  # what came before the error is the point

    with pytest.raises(StreamInterrupted):
        await read()
    assert [type(event) for event in seen] == [Start, TextDelta, TextDelta]


async def test_it_is_never_taken_for_a_model(tmp_path: Path) -> None:
    script = tmp_path / "demo.json"
    script.write_text(json.dumps({"about": "a demo", "turns": [{"text": "hi"}]}))
    provider = scripted(script=str(script))
    finish = (await complete(provider, request())).finish
    assert finish.served_model == "scripted:demo.json"
    assert (finish.cost.usd, finish.cost.source) == (Decimal(0), CostSource.CONFIG)
    assert finish.usage.estimated
    assert finish.usage.input_total > 0
    assert finish.reason is FinishReason.STOP
    assert "no model" in provider.capabilities("x").source
    checked = await provider.check()
    assert checked.ok
    assert "demo.json" in checked.detail
    assert checked.models == ()


def test_what_it_can_do_is_configured_as_anywhere() -> None:
    settings = ProviderSettings("mine", "scripted", context_window=99, capabilities={"tools": False})
    able = Scripted(settings).capabilities("any")
    assert (able.tools, able.structured_output, able.context_window) == (False, True, 99)


async def test_a_replay_is_the_same_to_the_last_event() -> None:
    turns = [{"reasoning": "hm hm", "text": "a b", "tool_calls": [{"name": "run", "args": {"x": 1}}]}]
    first = [event async for event in scripted(turns=turns).stream(request())]
    assert first == [event async for event in scripted(turns=turns).stream(request())]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs one script"),
        ({"script": "a.json", "turns": []}, "needs one script"),
        ({"script": "/nowhere/a.json"}, "cannot be read"),
        ({"turns": {}}, "expected a list"),
        ({"turns": ["x"]}, r"turns\[0\]: expected an object"),
        ({"turns": [{"txt": "x"}]}, r"unknown keys \['txt'\]"),
        ({"turns": [{"text": 5}]}, "`text` must be a string"),
        ({"turns": [{"finish": "done"}]}, "no finish reason 'done'"),
        ({"turns": [{"error": {"type": "Nope"}}]}, "no provider error 'Nope'"),
        ({"turns": [{"error": {"type": "ConfigError"}}]}, "no provider error 'ConfigError'"),
        ({"turns": [{"delay_ms": -1}]}, "`delay_ms` must be a number"),
        ({"turns": [{"usage": {"tokens": 1}}]}, r"unknown keys \['tokens'\]"),
        ({"lanes": {}}, "needs `turns` or `lanes`"),
        ({"turns": [], "exhausted": "loop"}, "`exhausted` is 'loop'"),
    ],
)
async def test_a_wrong_script_is_refused(options: dict[str, Any], message: str) -> None:
    provider = scripted(**options)
    with pytest.raises(ConfigError, match=message):
        await provider.start()
    assert not (await provider.check()).ok
