"""Whether a person is asked about a plan, and what is assumed where nobody is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from tamma.agents.plan_words import score_words
from tamma.model.planning import OpenPoints


class Course(StrEnum):
    """What follows from a plan's open points."""

    GO = "go"
    """On, with what the plan assumes."""
    ASK = "ask"
    """Its questions go to a person."""
    DECIDE = "decide"
    """Too unclear, and there is nothing left to ask: a person must look at the plan."""


def course(
    points: OpenPoints, *, above: float, rounds_left: int, asked: Iterable[str] = (), alone: bool = False
) -> Course:
    """What to do about a plan. `above`: how unclear it may be. `asked`: questions that were put before, so
    that a model that repeats itself tires nobody. `alone`: nobody is there, so that a reading must do."""
    if alone or points.ambiguity is None or points.ambiguity <= above:
        return Course.GO
    if rounds_left > 0 and new_questions(points, asked):
        return Course.ASK
    return Course.DECIDE


def new_questions(points: OpenPoints, asked: Iterable[str]) -> bool:
    """Whether there is a question that was not put before."""
    before = {text.casefold() for text in asked}
    return any(question.text.casefold() not in before for question in points.questions)


def why_asking(points: OpenPoints) -> str:
    """Why a run stands still at its questions."""
    number = len(points.questions)
    what = "a question" if number == 1 else f"{number} questions"
    return f"the issue leaves open what is wanted ({_how_unclear(points)}): {what} to answer"


def why_deciding(points: OpenPoints, rounds: int) -> str:
    """Why a person must look at an unclear plan that has no more questions."""
    after = f" after {rounds} {'round' if rounds == 1 else 'rounds'} of questions" if rounds else ""
    split = "; the plan proposes to split it" if points.parts else ""
    return f"the issue is unclear{after} ({_how_unclear(points)}){split}"


def assumption_notes(points: OpenPoints) -> tuple[str, ...]:
    """What the plan settles by itself, for the run's notes and its pull request, where reviewers see it: its
    questions' defaults, and the option that it recommends."""
    notes = [
        f"assumed: {question.text} {question.default or '(left to the agent)'}"
        for question in points.questions
    ]
    best = next((option for option in points.options if option.recommended), None)
    if best is not None:
        others = ", ".join(repr(option.name) for option in points.options if option is not best)
        notes.append(f"the design is {best.name!r}, as the plan recommends; the others were {others}")
    if points.parts:
        notes.append(f"the plan proposes to split the issue: {'; '.join(points.parts)}")
    return tuple(notes)


def _how_unclear(points: OpenPoints) -> str:
    score = f"ambiguity {score_words(points.ambiguity)}" if points.ambiguity is not None else "not rated"
    return f"{score}: {'; '.join(points.reasons)}"[:600] if points.reasons else score
