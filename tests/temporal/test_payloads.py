"""A client's payloads against pydantic's, over every dataclass that a client sends or receives."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter

from tamma.model import session, task
from tamma.temporal.payloads import client_data_converter

OURS, THEIRS = client_data_converter.payload_converter, pydantic_data_converter.payload_converter
WIRE = (
    *(task.DevRequest, task.Accepted, task.TaskView, task.DevResult, task.Reply, session.SessionProgress),
    *(task.Approval, task.Steer, task.BudgetChange, task.Control),
)


def example(hint: Any) -> Any:
    """A value of that type; of a dataclass one whose every field is given."""
    if isinstance(hint, NewType):
        return example(hint.__supertype__)
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin in (types.UnionType, Union):
            return example(arguments[0])
        case origin if origin is Literal:
            return arguments[-1]
        case origin if origin is tuple:
            return (example(arguments[0]), example(arguments[0]))
        case origin if isinstance(origin, type) and issubclass(origin, Mapping):
            return {example(arguments[0]): example(arguments[1])}
        case _:
            pass
    if hasattr(hint, "__dataclass_fields__"):
        hints = get_type_hints(hint)
        return hint(**{field.name: example(hints[field.name]) for field in dataclasses.fields(hint)})
    if issubclass(hint, Enum):
        return list(hint)[-1]
    return {
        str: 'ü "\n\u2028 €',
        int: 7,
        float: 2.5,
        bool: True,
        Decimal: Decimal("0.10"),
        datetime: datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC),
    }[hint]


def least(hint: Any) -> Any:
    """An instance with nothing but what it must have."""
    hints = get_type_hints(hint)
    needed = (
        field
        for field in dataclasses.fields(hint)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    return hint(**{field.name: example(hints[field.name]) for field in needed})


@pytest.mark.parametrize("make", [example, least])
@pytest.mark.parametrize("kind", WIRE, ids=lambda kind: kind.__name__)
def test_each_reads_what_the_other_wrote(kind: type, make: Any) -> None:
    value = make(kind)
    [ours], [theirs] = OURS.to_payloads([value]), THEIRS.to_payloads([value])
    assert ours.metadata == theirs.metadata
    assert THEIRS.from_payloads([ours], [kind]) == [value]
    assert OURS.from_payloads([theirs], [kind]) == [value]
    assert OURS.from_payloads([ours], [kind]) == [value]
    assert OURS.from_payloads([theirs]) == THEIRS.from_payloads([ours])


@pytest.mark.parametrize("value", [None, b"\x00\xff", "text", 3, 2.5, True, {"taskId": "x"}, ["a", None]])
def test_plain_values_travel_as_before(value: object) -> None:
    [ours], [theirs] = OURS.to_payloads([value]), THEIRS.to_payloads([value])
    assert ours == theirs
    assert OURS.from_payloads([theirs]) == [value]


def test_types_come_back_as_they_went() -> None:
    view = example(task.TaskView)
    [back] = OURS.from_payloads(THEIRS.to_payloads([view]), [task.TaskView])
    assert isinstance(back.spend.cost_usd, Decimal)
    assert isinstance(back.phase, task.Phase)
    assert isinstance(back.notes, tuple)
    assert isinstance(back.waiting_for, task.Waiting)


@pytest.mark.parametrize("wrong", [b'{"add_usd": "much"}', b'{"add_usd": true}', b'{"add_usd": [1]}'])
def test_what_is_no_number_is_refused(wrong: bytes) -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=wrong)
    with pytest.raises(TypeError, match="add_usd"):
        OURS.from_payloads([payload], [task.BudgetChange])


def test_text_without_utf8_is_refused_where_it_is_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        OURS.to_payloads([task.Steer("\udcff")])
