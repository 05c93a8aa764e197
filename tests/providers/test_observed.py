"""What is told of a call: figures and outcome, under the conventions' names, and never its contents."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest

from tamma.errors import Overloaded
from tamma.model.conversation import Cost, CostSource, TextDelta
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.observed import CallRecord, Observed, log_call
from tamma.providers.scripted.provider import Scripted
from tests.providers.test_routing import Flaky
from tests.providers.vendors.base import ask

TURN = {"text": "secret words", "usage": {"input_total": 12, "output_total": 3, "cache_read": 4}}


def scripted(**turn: object) -> Scripted:
    return Scripted(ProviderSettings("mine", "scripted", options={"turns": [{**TURN, **turn}]}))


async def test_a_call_is_told_whole() -> None:
    told: list[CallRecord] = []
    provider = Observed(scripted(), [told.append, log_call])
    await complete(provider, ask("very private", metadata={"purpose": "plan", "attempt": "2"}))
    (record,) = told
    assert record.seconds >= (record.first_token_seconds or 99) > 0
    attributes = record.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 3
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 4
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert attributes["gen_ai.request.model"] == ask().model
    assert (attributes["tamma.purpose"], attributes["tamma.attempt"]) == ("plan", "2")
    assert "error.type" not in attributes
    assert not any(words in str(attributes) for words in ("secret words", "very private"))


async def test_a_failure_is_told_and_raised() -> None:
    told: list[CallRecord] = []
    with pytest.raises(Overloaded):
        await complete(Observed(Flaky(error=Overloaded("busy")), [told.append]), ask())
    assert [(record.error, record.finish, record.first_token_seconds) for record in told] == [
        ("Overloaded", None, None)
    ]


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_a_reader_that_goes_away_is_told(how: str) -> None:
    told: list[CallRecord] = []
    provider = Observed(
        scripted(text="one two three", chunk_ms=60_000 if how == "cancelled" else 0), [told.append]
    )
    if how == "closed":
        async with aclosing(provider.stream(ask())) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await complete(provider, ask())
    assert [record.error for record in told] == ["cancelled"]


async def test_a_hook_that_fails_disturbs_nobody() -> None:
    told: list[CallRecord] = []

    def broken(_: CallRecord) -> None:
        raise RuntimeError("no exporter")

    completion = await complete(Observed(scripted(), [broken, told.append]), ask())
    assert completion.message.text == "secret words"
    assert len(told) == 1


def test_unknown_cost_is_left_out_and_known_cost_names_its_source() -> None:
    record = CallRecord("mine", "anthropic-claude", "m", finish="stop")
    assert "tamma.cost_usd" not in record.attributes()
    priced = CallRecord(
        "mine", "gemini", "m", finish="stop", cost=Cost(Decimal("0.5"), CostSource.PRICES)
    ).attributes()
    assert (priced["tamma.cost_usd"], priced["tamma.cost_source"]) == (0.5, "genai-prices")
    assert priced["gen_ai.provider.name"] == "gcp.gemini"
