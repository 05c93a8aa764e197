"""What services and models say of themselves is brought into a form that everything else can rely on."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tamma.errors import BadAnswer
from tamma.model.conversation import Cost, CostSource, ToolCall, ToolCallEnd, ToolCallStart, Usage
from tamma.model.foreign import DEEPEST, LONGEST_LABEL, label, mended, read_json
from tamma.providers.interface import MOST_CALLS, Folder


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def test_json_may_be_as_deep_as_everything_can_write_again() -> None:
    from pydantic_core import to_json

    value = read_json(nested(DEEPEST))
    assert to_json(value).decode() == nested(DEEPEST)
    assert json.loads(json.dumps(mended(value))) == value
    assert read_json("[" + "[]," * 5000 + "[]]") == [[]] * 5001


@pytest.mark.parametrize("levels", [DEEPEST + 1, 300, 900])
def test_what_is_deeper_is_no_json(levels: int) -> None:
    for text in (nested(levels), "[" * levels + "]" * levels + " "):
        with pytest.raises(ValueError, match="too deeply"):
            read_json(text if text[0] == "{" else f"[{text}]")


@pytest.mark.parametrize("figure", [-5, 1.5, float("nan"), float("inf"), "abc", [1], {"a": 1}, True, 10**50])
def test_a_figure_that_is_no_count_is_none(figure: Any) -> None:
    usage = Usage(input_total=figure, output_total=7)
    assert usage == Usage(input_total=0, output_total=7, estimated=True)
    assert type(usage.input_total) is int


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-0.01"])
def test_a_price_that_is_none_is_unknown(price: str) -> None:
    assert Cost(Decimal(price), CostSource.PROVIDER) == Cost(None, CostSource.UNKNOWN)


def test_a_free_answer_is_known_to_be_free() -> None:
    assert Cost(Decimal(0), CostSource.PROVIDER).usd == 0


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "m" * 10_000, {"a": 1}, None])
def test_a_name_can_be_stored_whatever_it_was(name: object) -> None:
    text = label(name)
    assert "\0" not in text
    assert len(text.encode()) <= 3 * LONGEST_LABEL


def test_calls_have_an_end() -> None:
    folder = Folder()
    for index in range(MOST_CALLS):
        folder.add(ToolCallEnd(index, ToolCall(f"c{index}", "bash", "{}")))
    for event in (
        ToolCallStart(MOST_CALLS, "more", "bash"),
        ToolCallEnd(MOST_CALLS, ToolCall("more", "bash", "{}")),
    ):
        with pytest.raises(BadAnswer, match="tool calls"):
            folder.add(event)
