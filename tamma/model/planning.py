"""What a plan leaves open, and what people answer: questions, options, a proposal to split the issue."""

from __future__ import annotations

from dataclasses import dataclass

ASK_ABOVE = 0.7
"""How unclear an issue may be before a person is asked. Models are told that 0.5 is what a reasonable
assumption settles, and 0.8 what has readings whose difference people would see: those are asked about."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only a person can say."""

    id: str
    """`q1`, `q2`, ...: within one plan."""
    text: str
    why: str = ""
    """What depends on the answer."""
    suggestions: tuple[str, ...] = ()
    """Answers to choose from; `a`, `b`, ... name them."""
    default: str = ""
    """What is taken where nobody answers; empty where there is nothing to take."""


@dataclass(frozen=True, slots=True)
class DesignOption:
    """One way to solve the issue, where there are several."""

    name: str
    what: str = ""
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    recommended: bool = False
    """The plan's steps follow it. Exactly one of a plan's options is."""


@dataclass(frozen=True, slots=True)
class OpenPoints:
    """What a plan leaves open. Empty where the model said nothing of that."""

    ambiguity: float | None = None
    """From 0 (one reading) to 1 (nobody can tell what is wanted). None: not said."""
    reasons: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    """At most 5."""
    options: tuple[DesignOption, ...] = ()
    """None, or at least 2."""
    parts: tuple[str, ...] = ()
    """Issues of their own that the issue should be split into; none, or at least 2."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to the question with this id."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says to the questions that are open."""

    answers: tuple[Answer, ...] = ()
    text: str = ""
    """Free words. `1: ...` in them answers the first question; see `tamma.agents.answering`."""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A point that was open, and what holds now."""

    question: str
    answer: str
    by: str = ""
    """Who decided; empty where nobody did and the plan's default was taken."""
