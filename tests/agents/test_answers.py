"""Reading plans and reviews as models really write them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.answers import read_plan, read_review
from tamma.model.loose_json import find_object

PLAN = {
    "summary": "the slug keeps trailing hyphens",
    "steps": [{"title": "strip them", "files": ["slug.py"]}, "add a test"],
    "risks": ["old links change"],
    "ambiguities": [],
    "test": "slug('a-') is 'a'",
}


def test_a_plan_is_read_bare_fenced_or_with_words_around_it() -> None:
    text = json.dumps(PLAN)
    for answer in (text, f"Here it is:\n```json\n{text}\n```\nGood?", f"Sure! {text} Shall I?"):
        plan = read_plan(answer)
        assert plan.structured
        assert [step.title for step in plan.steps] == ["strip them", "add a test"]
        assert plan.steps[0].files == ("slug.py",)
        assert "1. strip them (`slug.py`)" in plan.markdown()


def test_words_instead_of_a_plan_are_taken_as_they_are() -> None:
    plan = read_plan("I would just fix it.")
    assert not plan.structured
    assert plan.summary == "I would just fix it."
    assert len(plan.steps) == 1


def test_a_review_blocks_only_with_reasons() -> None:
    assert not read_review('{"verdict": "request_changes", "comments": ["a.py: off by one"]}').approved
    assert read_review('{"verdict": "request_changes", "comments": []}').approved
    assert read_review('{"verdict": "approve", "summary": "fine"}').approved
    assert "could not be read" in read_review("LGTM").summary


@given(st.text(max_size=400))
def test_nothing_that_a_model_says_breaks_the_readers(answer: str) -> None:
    assert read_plan(answer).steps
    assert len(read_review(answer).comments) <= 10


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_any_object_is_found(data: dict[str, int]) -> None:
    assert find_object(f"well\n```\n{json.dumps(data)}\n```") == data
