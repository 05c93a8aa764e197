"""Reading plans as models really write them, and showing them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.plan_words import plan_markdown
from tamma.agents.plans import MOST_QUESTIONS, read_plan, score_of
from tamma.model.planning import Decided, OpenPoints

PLAN: dict[str, Any] = {
    "summary": "the slug keeps trailing hyphens",
    "steps": [{"title": "strip them", "files": ["slug.py"]}, "add a test"],
    "risks": ["old links change"],
    "ambiguities": [],
    "test": "slug('a-') is 'a'",
}
OPEN: dict[str, Any] = {
    **PLAN,
    "ambiguity": {"score": 0.8, "why": ["leading hyphens are not mentioned"]},
    "questions": [
        {
            "question": "Leading ones, too?",
            "why": "old links",
            "suggestions": ["yes", "no"],
            "default": "b",
        },
        "For how long?",
    ],
    "options": [
        {"name": "strip", "what": "str.strip", "for": ["short"], "against": ["blunt"]},
        {"name": "regex", "what": "one pattern", "for": ["exact"], "against": [], "recommended": True},
    ],
    "split": ["leading", "trailing"],
}


def opened(**changes: Any) -> OpenPoints:
    return read_plan(json.dumps({**PLAN, **changes})).open


def test_a_plan_is_read_bare_fenced_or_with_words_around_it() -> None:
    text = json.dumps(PLAN)
    for answer in (text, f"Here it is:\n```json\n{text}\n```\nGood?", f"Sure! {text} Shall I?"):
        plan = read_plan(answer)
        assert plan.structured
        assert plan.open == OpenPoints()
        assert [step.title for step in plan.steps] == ["strip them", "add a test"]
        assert plan.steps[0].files == ("slug.py",)
        assert "1. strip them (`slug.py`)" in plan_markdown(plan)


def test_words_instead_of_a_plan_are_taken_as_they_are() -> None:
    for answer in ("I would just fix it.", "# Plan\n\n1. Fix it\n2. Test it", '{"steps": ["x"]}', "{}"):
        plan = read_plan(answer)
        assert not plan.structured
        assert plan.summary == answer
        assert len(plan.steps) == 1
        assert plan.open == OpenPoints()


def test_an_object_beside_the_plan_is_not_taken_for_it() -> None:
    answer = f'The config is {{"debug": true}}. My plan:\n{json.dumps(PLAN)}'
    assert read_plan(answer).summary == PLAN["summary"]


def test_markdown_may_carry_the_steps_and_lack_a_summary() -> None:
    plan = read_plan('## Strip the hyphens\n\n```json\n{"steps": ["strip them"]}\n```')
    assert (plan.summary, plan.structured) == ("Strip the hyphens", True)


def test_what_is_open_is_read() -> None:
    points = read_plan(json.dumps(OPEN)).open
    assert (points.ambiguity, points.reasons) == (0.8, ("leading hyphens are not mentioned",))
    first, second = points.questions
    assert (first.id, first.text, first.why) == ("q1", "Leading ones, too?", "old links")
    assert (first.suggestions, first.default) == (("yes", "no"), "no")
    assert (second.id, second.text, second.default) == ("q2", "For how long?", "")
    assert [(option.name, option.recommended) for option in points.options] == [
        ("strip", False),
        ("regex", True),
    ]
    assert points.options[0].cons == ("blunt",)
    assert points.parts == ("leading", "trailing")


def test_what_is_open_is_shown() -> None:
    text = plan_markdown(read_plan(json.dumps(OPEN)), [Decided("Leading ones, too?", "yes\nplease", "ada")])
    for line in (
        "**Ambiguity:** 0.8 of 1: leading hyphens are not mentioned",
        "1. Leading ones, too?",
        "   - why it matters: old links",
        "   - b) no (default)",
        "2. regex (recommended): one pattern",
        "   - against: blunt",
        "- leading",
        "- Leading ones, too? yes",
        "  please (ada)",
    ):
        assert line in text.splitlines(), line


def test_a_plain_plan_is_shown_as_ever() -> None:
    assert plan_markdown(read_plan(json.dumps({**PLAN, "ambiguity": 0}))) == (
        "the slug keeps trailing hyphens\n\n1. strip them (`slug.py`)\n2. add a test\n\n"
        "**Failing test:** slug('a-') is 'a'\n\n**Risks**\n- old links change"
    )


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (0, 0.0), (1, 1.0), (0.35, 0.35), (7, 0.7), (70, 0.7), ("0.35", 0.35), ("80%", 0.8), ("3/10", 0.3),
        ("high", 0.8), (" Low ", 0.2),
        (True, None), (None, None), (-1, None), (101, None), ("soon", None), ("1.2.3", None), ("120%", None),
        (float("nan"), None), (float("inf"), None), (10**400, None), ([0.5], None), ("", None),
    ],
)  # fmt: skip
def test_scores_as_models_write_them(said: object, score: float | None) -> None:
    assert score_of(said) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize("said", [0.4, "40%", {"score": 0.4}, {"score": "4/10", "reasons": "so"}])
def test_a_score_stands_alone_or_with_its_reasons(said: object) -> None:
    points = opened(ambiguity=said, ambiguities=["the old name stays"])
    assert points.ambiguity == pytest.approx(0.4)
    assert points.reasons == (("so",) if "reasons" in str(said) else ("the old name stays",))


def test_recommended_is_exactly_one_and_one_option_is_no_choice() -> None:
    a, b = {"name": "A", "recommended": True}, {"name": "B", "recommended": True}
    assert [each.recommended for each in opened(options=[a, b, {"name": "a"}]).options] == [True, False]
    assert [each.recommended for each in opened(options=["A", "B"]).options] == [True, False]
    assert opened(options=[a]).options == ()
    assert opened(options=[a, {"what": "nameless"}]).options == ()
    assert opened(split=["all of it"]).parts == ()


def test_too_much_is_cut() -> None:
    points = opened(
        questions=[f"question {number}?" + "x" * 1000 for number in range(50)],
        options=[{"name": f"{number}" + "n" * 300} for number in range(50)],
        split=[f"part {number}" for number in range(50)],
    )
    assert len(points.questions) == MOST_QUESTIONS
    assert max(len(each.text) for each in points.questions) == 500
    assert max(len(each.name) for each in points.options) == 80
    assert len(points.parts) == 8
    assert len(opened(questions=["Same?", "same?", "Other?"]).questions) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["question", "text", "name", "what", "for", "score", "why", "default", "title"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["summary", "steps", "risks", "ambiguities", "ambiguity", "questions", "options", "split"]
)


@given(st.text(max_size=400))
def test_nothing_that_a_model_says_breaks_the_reader(answer: str) -> None:
    assert read_plan(answer).steps
    assert plan_markdown(read_plan(answer))


@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_no_value_breaks_the_reader(data: dict[str, Any]) -> None:
    plan = read_plan(json.dumps({"summary": "s", **data}))
    points = plan.open
    assert plan_markdown(plan)
    assert points.ambiguity is None or 0 <= points.ambiguity <= 1
    assert [each.id for each in points.questions] == [f"q{n}" for n in range(1, len(points.questions) + 1)]
    assert sum(each.recommended for each in points.options) == bool(points.options)
    assert len(points.options) != 1
    assert all(each.text for each in points.questions)
