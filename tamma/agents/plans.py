"""Reading the plan in a model's answer: lenient in form, strict in size, and never failing.

What cannot be understood of a part leaves out that part; an answer without any plan in it is taken as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from tamma.model.loose_json import find_objects
from tamma.model.planning import DesignOption, OpenPoints, Question

T = TypeVar("T")

MOST_STEPS = 12
MOST_QUESTIONS, MOST_OPTIONS, MOST_PARTS, MOST_POINTS = 5, 5, 8, 5
LONGEST, LONGEST_NAME = 500, 80
"""Characters of a point and of an option's name: they stand in the run's history and in a comment."""

_WORDS_FOR_SCORES: Mapping[str, float] = {"none": 0.0, "low": 0.2, "medium": 0.5, "high": 0.8}
_SCORE = re.compile(r"([\d.]+)\s*(?:(%)|/\s*([\d.]+))?")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class PlanStep:
    title: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A model's plan. `structured` is False where it gave none that could be read."""

    summary: str
    steps: tuple[PlanStep, ...]
    risks: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """What the issue leaves open and the model settles by itself."""
    test: str = ""
    open: OpenPoints = field(default_factory=OpenPoints)
    structured: bool = True


def read_plan(answer: str) -> Plan:
    """The plan in a model's answer; its bare words, as one step, where it gave none."""
    for data in find_objects(answer):
        summary = _line(data.get("summary")) or _words_before(answer)
        steps = tuple(_each(data.get("steps"), _step))[:MOST_STEPS]
        if _line(data.get("summary")) or (summary and steps):
            return _plan(data, summary, steps)
    text = answer.strip() or "(the model said nothing)"
    return Plan(text[:2000], (PlanStep("Solve the issue as described above"),), structured=False)


def _plan(data: Mapping[str, object], summary: str, steps: tuple[PlanStep, ...]) -> Plan:
    assumptions = _lines(data.get("ambiguities"))
    score, reasons = _ambiguity(data.get("ambiguity"))
    points = OpenPoints(
        ambiguity=score,
        reasons=(reasons or (assumptions if score else ()))[:MOST_POINTS],
        questions=_questions(data.get("questions")),
        options=_options(data.get("options")),
        parts=_parts(data.get("split")),
    )
    return Plan(
        summary=summary,
        steps=steps,
        risks=_lines(data.get("risks")),
        assumptions=assumptions,
        test=_line(data.get("test")),
        open=points,
    )


def _words_before(answer: str) -> str:
    """The first words of prose before an object that has no summary of its own."""
    prose = answer.partition("{")[0].partition("```")[0]
    return next((line.strip("#*- \t")[:LONGEST] for line in prose.splitlines() if line.strip("#*- \t")), "")


def _step(value: object) -> PlanStep | None:
    if isinstance(value, str):
        return PlanStep(value.strip()) if value.strip() else None
    step = _object(value)
    title = _first(step, "title", "step", "description")
    return PlanStep(title, _lines(step.get("files"))) if title else None


# --- how unclear it is ---------------------------------------------------------------------------


def _ambiguity(value: object) -> tuple[float | None, tuple[str, ...]]:
    told = _object(value)
    if not told:
        return score_of(value), ()
    reasons = _points(told.get("why") or told.get("reasons") or told.get("reason"))
    return score_of(told.get("score")), reasons


def score_of(value: object) -> float | None:
    """A score from 0 to 1 as models write it: `0.3`, `"0.3"`, `"30%"`, `"3/10"`, `3`, `30`, `"low"`.

    None where it is none: a score that cannot be read stops nobody.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS_FOR_SCORES:
            return _WORDS_FOR_SCORES[word]
        match = _SCORE.fullmatch(word)
        if match is None:
            return None
        number, whole = _number(match[1]), _number(match[3] or "")
        if match[2] or whole:
            share = number / (100 if match[2] else whole)
            return share if 0 <= share <= 1 else None
        return _scaled(number)
    try:
        return _scaled(float(value))
    except OverflowError:
        return None


def _scaled(number: float) -> float | None:
    """Scales of ten and of a hundred are taken for what they are."""
    if not math.isfinite(number) or not 0 <= number <= 100:
        return None
    return number if number <= 1 else number / 10 if number <= 10 else number / 100


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0 if not text else math.nan


# --- what is open --------------------------------------------------------------------------------


def _questions(value: object) -> tuple[Question, ...]:
    """Each once; their ids are ours, as people type them."""
    found = {each.text.casefold(): each for each in reversed(list(_each(value, _question)))}
    kept = list(reversed(found.values()))[:MOST_QUESTIONS]
    return tuple(
        Question(f"q{number}", each.text, each.why, each.suggestions, each.default)
        for number, each in enumerate(kept, 1)
    )


def _question(value: object) -> Question | None:
    if isinstance(value, str):
        return Question("", _point(value)) if _point(value) else None
    told = _object(value)
    text = _first(told, "question", "text", "title")
    if not text:
        return None
    suggestions = _points(told.get("suggestions") or told.get("answers") or told.get("options"))
    default = suggested(suggestions, _first(told, "default", "assumption"))
    return Question("", text, _first(told, "why", "reason"), suggestions, default)


def suggested(suggestions: tuple[str, ...], text: str) -> str:
    """The suggestion that `text` names by its letter (`b`, `b)`, `(b)`), else the text itself."""
    letter = text.strip().strip("().").lower()
    place = ord(letter) - ord("a") if len(letter) == 1 else -1
    return suggestions[place] if 0 <= place < len(suggestions) else text.strip()


def _options(value: object) -> tuple[DesignOption, ...]:
    """Each name once, exactly one recommended; one alone is no choice."""
    named = {each.name.casefold(): each for each in reversed(list(_each(value, _option)))}
    found = list(reversed(named.values()))[:MOST_OPTIONS]
    if len(found) < 2:
        return ()
    best = next((place for place, each in enumerate(found) if each.recommended), 0)
    return tuple(
        DesignOption(each.name, each.what, each.pros, each.cons, recommended=place == best)
        for place, each in enumerate(found)
    )


def _option(value: object) -> DesignOption | None:
    if isinstance(value, str):
        return DesignOption(_point(value)[:LONGEST_NAME].strip()) if _point(value) else None
    told = _object(value)
    name = _first(told, "name", "title", "option")[:LONGEST_NAME].strip()
    if not name:
        return None
    return DesignOption(
        name,
        _first(told, "what", "description", "summary"),
        _points(told.get("for") or told.get("pros")),
        _points(told.get("against") or told.get("cons")),
        recommended=told.get("recommended") is True,
    )


def _parts(value: object) -> tuple[str, ...]:
    told = _object(value)
    parts = tuple(_each(told.get("parts") or told.get("issues") if told else value, _part))
    return parts[:MOST_PARTS] if len(parts) > 1 else ()


def _part(value: object) -> str:
    return _point(value) if isinstance(value, str) else _first(_object(value), "title", "name", "what")


# --- pieces --------------------------------------------------------------------------------------


def _each(value: object, read: Callable[[object], T | None]) -> Iterator[T]:
    items = cast("list[object]", value) if isinstance(value, list) else [] if value is None else [value]
    return (found for item in items if (found := read(item)))  # an empty text says nothing


def _object(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _first(told: Mapping[str, object], *names: str) -> str:
    """The first of these that is a text, on one line."""
    return next((text for name in names if (text := _point(told.get(name)))), "")


def _line(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _lines(value: object) -> tuple[str, ...]:
    return tuple(_each(value, _line))


def _point(value: object) -> str:
    """A text on one line, cut: points are shown in lists."""
    return _BLANKS.sub(" ", value).strip()[:LONGEST] if isinstance(value, str) else ""


def _points(value: object) -> tuple[str, ...]:
    return tuple(_each(value, _point))[:MOST_POINTS]
