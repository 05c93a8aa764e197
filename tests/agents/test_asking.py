"""When people are asked, and what is made of their answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.agents.answering import (
    answers_from_text,
    decided,
    feedback,
    meant,
    option_named,
    question_named,
    reply_to,
    resolved,
    trouble_with,
    trouble_with_choice,
)
from tamma.agents.asking import Course, assumption_notes, course, why_asking, why_deciding
from tamma.agents.plan_words import answered_comment, questions_comment
from tamma.model.planning import Answer, Answers, Decided, DesignOption, OpenPoints, Question
from tamma.model.task import Approval, Decision, Gate

ONE = Question("q1", "In UTC?", "logs", ("yes", "local time"), "yes")
TWO = Question("q2", "For whom?")
OPTIONS = (DesignOption("strip", "str.strip"), DesignOption("Regular expression", recommended=True))
UNCLEAR = OpenPoints(0.8, ("two readings",), (ONE, TWO), OPTIONS, ("reading", "writing"))


@pytest.mark.parametrize(
    ("points", "rounds_left", "asked", "alone", "expected"),
    [
        (OpenPoints(), 3, (), False, Course.GO),
        (OpenPoints(0.5, questions=(ONE,)), 3, (), False, Course.GO),
        (OpenPoints(0.7, questions=(ONE,)), 3, (), False, Course.GO),
        (OpenPoints(None, questions=(ONE,)), 3, (), False, Course.GO),
        (UNCLEAR, 3, (), False, Course.ASK),
        (UNCLEAR, 3, ("in utc?",), False, Course.ASK),
        (UNCLEAR, 3, ("in utc?", "FOR WHOM?"), False, Course.DECIDE),
        (UNCLEAR, 0, (), False, Course.DECIDE),
        (OpenPoints(0.9), 3, (), False, Course.DECIDE),
        (UNCLEAR, 3, (), True, Course.GO),
    ],
)
def test_only_a_truly_unclear_issue_asks(
    points: OpenPoints, rounds_left: int, asked: tuple[str, ...], alone: bool, expected: Course
) -> None:
    assert course(points, above=0.7, rounds_left=rounds_left, asked=asked, alone=alone) is expected


def test_why_it_stands_still() -> None:
    assert "(ambiguity 0.8 of 1: two readings): 2 questions" in why_asking(UNCLEAR)
    assert "after 3 rounds of questions" in why_deciding(UNCLEAR, 3)
    assert "proposes to split it" in why_deciding(UNCLEAR, 0)
    assert "rounds" not in why_deciding(UNCLEAR, 0)


def test_what_is_assumed_is_said() -> None:
    assert assumption_notes(OpenPoints(0.1)) == ()
    assert assumption_notes(UNCLEAR) == (
        "assumed: In UTC? yes",
        "assumed: For whom? (left to the agent)",
        "the design is 'Regular expression', as the plan recommends; the others were 'strip'",
        "the plan proposes to split the issue: reading; writing",
    )


@pytest.mark.parametrize(
    ("text", "answers", "free"),
    [
        ("1: yes\n2: everybody", {"q1": "yes", "q2": "everybody"}, ""),
        ("q1) b\r\nQ2. admins", {"q1": "local time", "q2": "admins"}, ""),
        (
            "- **2**: admins,\n  and nobody else\n\n1: default",
            {"q1": "yes", "q2": "admins,\n  and nobody else"},
            "",
        ),
        ("**q1:** (b)", {"q1": "local time"}, ""),
        ("Question 2: admins", {"q2": "admins"}, ""),
        ("Thanks!\n2 = admins", {"q2": "admins"}, "Thanks!"),
        ("> 1: no, quoted\n2: admins", {"q2": "admins"}, ""),
        ("1: a\n1: b", {"q1": "local time"}, ""),
        ("take the local time, for admins", {}, "take the local time, for admins"),
        ("2.5 seconds are enough,\n1:30 is too long", {}, "2.5 seconds are enough,\n1:30 is too long"),
        ("7: what?", {}, "7: what?"),
        ("1:", {}, ""),
        ("Defaults.", {"q1": "yes"}, ""),
        ("", {}, ""),
    ],
)
def test_answers_are_found_in_peoples_words(text: str, answers: dict[str, str], free: str) -> None:
    found = answers_from_text(text, (ONE, TWO), by="ada")
    assert {each.question: each.text for each in found.answers} == answers
    assert (found.text, found.by) == (free, "ada")


def test_words_answer_a_single_question() -> None:
    assert answers_from_text("b", (ONE,)).answers == (Answer("q1", "local time"),)
    assert answers_from_text("in the user's own zone", (ONE,)).answers == (
        Answer("q1", "in the user's own zone"),
    )


@given(st.text(max_size=300))
def test_no_words_break_the_reader(text: str) -> None:
    assert {each.question for each in answers_from_text(text, (ONE, TWO)).answers} <= {"q1", "q2"}


@given(st.text("ab \n", max_size=40))
def test_words_that_name_no_question_are_kept(text: str) -> None:
    assert answers_from_text(text, (ONE, TWO)).text == text.strip()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("b", "local time"), ("(B)", "local time"), ("b) local time", "local time"), ("default", "yes"),
        ("b, but not in tests", "local time; but not in tests"), ("b\nthanks", "local time; thanks"),
        ("a sentence", "a sentence"), ("e", "e"), ("beta", "beta"), (" none ", "none"),
    ],
)  # fmt: skip
def test_a_letter_stands_for_its_suggestion(text: str, meaning: str) -> None:
    assert meant(ONE, text) == meaning


def test_questions_and_options_are_named_as_people_do() -> None:
    for name in ("q2", "Q2", "2", " q2 "):
        assert question_named((ONE, TWO), name) is TWO
    assert question_named((ONE, TWO), "q3") is None
    for name in ("regular expression", "2", "Reg"):
        assert option_named(OPTIONS, name) is OPTIONS[1]
    for name in ("", "3", "x", "regular expressions"):
        assert option_named(OPTIONS, name) is None
    alike = (DesignOption("cache"), DesignOption("cache on disk"), DesignOption("2"))
    assert option_named(alike, "cache") is alike[0]
    assert option_named(alike, "ca") is None
    assert option_named(alike, "2") is alike[2]


@pytest.mark.parametrize(
    ("answers", "questions", "said"),
    [
        (Answers(text="yes"), (), "no questions open"),
        (Answers((Answer("q7", "x"),)), (ONE, TWO), "no question 'q7'; open are q1, q2"),
        (Answers((Answer("q1", " "),)), (ONE,), "is empty"),
        (Answers(), (ONE,), "there is no answer"),
        (Answers(text="1: yes"), (ONE,), ""),
        (Answers((Answer("1", "x"),)), (ONE,), ""),
    ],
)
def test_what_cannot_be_taken_is_said(answers: Answers, questions: tuple[Question, ...], said: str) -> None:
    trouble = trouble_with(answers, questions)
    assert said in trouble
    assert bool(said) == bool(trouble)


@pytest.mark.parametrize(
    ("gate", "decision", "option", "said"),
    [
        (Gate.PLAN, "approve", "", ""),
        (Gate.PLAN, "approve", "STRIP", ""),
        (Gate.PLAN, "approve", "cache", "no option 'cache'; there are 'strip', 'Regular expression'"),
        (Gate.PLAN, "reject", "strip", "by approving a plan"),
        (Gate.MERGE, "approve", "strip", "by approving a plan"),
    ],
)
def test_an_option_is_chosen_by_approving(gate: Gate, decision: Decision, option: str, said: str) -> None:
    trouble = trouble_with_choice(Approval(gate, decision, option=option), OPTIONS)
    assert said in trouble
    assert bool(said) == bool(trouble)
    if gate is Gate.PLAN and decision == "approve" and option:
        assert "no options" in trouble_with_choice(Approval(gate, decision, option=option), ())


def test_what_was_answered_holds_and_defaults_fill_the_rest() -> None:
    said = resolved(Answers((Answer("2", "admins"),), by="ada"), UNCLEAR.questions)
    assert decided(UNCLEAR, [said]) == (Decided("In UTC?", "yes"), Decided("For whom?", "admins", "ada"))
    assert "q1: yes" in reply_to(said, UNCLEAR.questions)
    both = resolved(Answers((Answer("q1", "b"),), "2: admins\n", "ada"), UNCLEAR.questions)
    assert reply_to(both, UNCLEAR.questions) == "the agent plans anew with that"
    assert "  local time" in feedback(decided(UNCLEAR, [both])).splitlines()
    # Free words may have answered anything: no default is taken against them.
    free = resolved(Answers(text="as in the other file", by="bob"), UNCLEAR.questions)
    assert decided(UNCLEAR, [said, free]) == (
        Decided("For whom?", "admins", "ada"),
        Decided("A person says:", "as in the other file", "bob"),
    )


def test_the_comment_says_how_to_answer_and_what_was_answered() -> None:
    asked = questions_comment("0123", UNCLEAR)
    for line in ("1. In UTC?", "   - a) yes (default)", "2. For whom?", "- writing"):
        assert line in asked.splitlines()
    assert "tamma answer 0123" in asked
    assert "- In UTC? no (ada)" in answered_comment([Decided("In UTC?", "no", "ada")]).splitlines()
