"""JSON as models really write it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.loose_json import find_object, find_objects, read_loose
from tests.support.pace import effort

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "answer",
    [
        '{"a": [1, 2], "b": "x,}"}',
        '{"a": [1, 2,], "b": "x,}",}',
        'A 5" screen. The answer is {"a": [1, 2,], "b": "x,}"}. Right?',
        'Given f(x) { return x }:\n```json\r\n{"a": [1, 2], "b": "x,}"}\r\n```\nor {"a": 2}',
        '  ```json\n  {"a": [1, 2],\n   "b": "x,}"}\n  ```',
    ],
    ids=["bare", "commas", "words", "fence", "indented fence"],
)
def test_the_object_is_found(answer: str) -> None:
    assert find_object(answer) == {"a": [1, 2], "b": "x,}"}


def test_a_fence_inside_of_a_string_ends_nothing() -> None:
    value = {"content": 'see\n```json\n{"b": 1}\n```\n'}
    assert find_object(json.dumps(value)) == value
    assert find_object('{"content": "see\n```json\n{}\n```\n"}') == {"content": "see\n```json\n{}\n```\n"}


def test_all_objects_come_in_order_outermost_only() -> None:
    assert list(find_objects('{"a": {"b": 1}} and {"c": 2}')) == [{"a": {"b": 1}}, {"c": 2}]


def test_there_may_be_none() -> None:
    for answer in ("", "no", "[1]", '{"a": ', "{a: 1}"):
        assert find_object(answer) is None


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), st.text("abc \n`", max_size=9))
def test_whatever_stands_around_it_json_is_read_as_it_is(value: dict[str, object], words: str) -> None:
    assert next(iter(find_objects(f"{words}{json.dumps(value)}{words}"))) == value
    assert read_loose(json.dumps(value, indent=1)) == value


@given(st.text('{}[]",:a1\\`\n ', max_size=60))
def test_nothing_is_raised_but_value_error(answer: str) -> None:
    assert all(isinstance(found, dict) for found in find_objects(answer))
    try:
        read_loose(answer)
    except ValueError:
        return


def test_hopeless_answers_cost_little() -> None:
    for answer in ('{"a":' * 30_000, '{"a", ' * 30_000, '{"' * 30_000):
        assert effort(lambda answer=answer: find_object(answer)) < 50
        assert find_object(answer) is None


def test_more_than_one_value_is_none() -> None:
    assert read_loose(" [1,] ") == [1]
    with pytest.raises(ValueError, match="more follows"):
        read_loose("{} {}")
