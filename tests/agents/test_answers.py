"""Reading reviews as models really write them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.answers import read_review
from tamma.model.loose_json import find_object


def test_a_review_blocks_only_with_reasons() -> None:
    assert not read_review('{"verdict": "request_changes", "comments": ["a.py: off by one"]}').approved
    assert read_review('{"verdict": "request_changes", "comments": []}').approved
    assert read_review('{"verdict": "approve", "summary": "fine"}').approved
    assert "could not be read" in read_review("LGTM").summary


@given(st.text(max_size=400))
def test_nothing_that_a_model_says_breaks_the_reader(answer: str) -> None:
    assert len(read_review(answer).comments) <= 10


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_any_object_is_found(data: dict[str, int]) -> None:
    assert find_object(f"well\n```\n{json.dumps(data)}\n```") == data
