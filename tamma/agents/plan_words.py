"""A plan as people and models read it: Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tamma.agents.plans import Plan
from tamma.model.planning import Decided, DesignOption, OpenPoints, Question


def plan_markdown(plan: Plan, decided: Sequence[Decided] = ()) -> str:
    """The whole plan: what is done, what is open, what was decided."""
    lines = [plan.summary, ""]
    for number, step in enumerate(plan.steps, 1):
        where = f" ({', '.join(f'`{path}`' for path in step.files)})" if step.files else ""
        lines.append(f"{number}. {step.title}{where}")
    if plan.test:
        lines += ["", f"**Failing test:** {plan.test}"]
    lines += _list("Risks", plan.risks)
    lines += _list("Open points", plan.assumptions)
    lines += _ambiguity(plan.open, plan.assumptions)
    if plan.open.questions:
        lines += ["", "**Questions** (where nobody answers, the default holds)", ""]
        lines += question_lines(plan.open.questions)
    if plan.open.options:
        lines += ["", "**Options** (the steps follow the recommended one)", ""]
        lines += option_lines(plan.open.options)
    lines += _list("Could be split into", plan.open.parts)
    lines += decided_lines(decided)
    return "\n".join(lines).strip()


def question_lines(questions: Sequence[Question], first: int = 1) -> Iterator[str]:
    """A list numbered from `first`; each question with its reason, its suggestions by letter, its default."""
    for number, question in enumerate(questions, first):
        yield f"{number}. {question.text}"
        if question.why:
            yield f"   - why it matters: {question.why}"
        for letter, suggestion in zip("abcde", question.suggestions, strict=False):
            yield f"   - {letter}) {suggestion}{' (default)' if suggestion == question.default else ''}"
        if question.default and question.default not in question.suggestions:
            yield f"   - default: {question.default}"


def option_lines(options: Sequence[DesignOption]) -> Iterator[str]:
    """A numbered list; each option with what speaks for and against it."""
    for number, option in enumerate(options, 1):
        what = f": {option.what}" if option.what else ""
        yield f"{number}. {option.name}{' (recommended)' if option.recommended else ''}{what}"
        yield from (f"   - for: {reason}" for reason in option.pros)
        yield from (f"   - against: {reason}" for reason in option.cons)


def decided_lines(decided: Sequence[Decided]) -> list[str]:
    """What holds whatever stands elsewhere in the plan."""
    if not decided:
        return []
    return ["", "**Decided** (this holds over everything above)", "", *map(_decided_line, decided)]


def questions_comment(task_id: str, points: OpenPoints) -> str:
    """What is written on an issue that leaves open what is wanted."""
    why = f": {'; '.join(points.reasons)}" if points.reasons else "."
    lines = [f"**This needs an answer** before the work begins{why}", "", *question_lines(points.questions)]
    if points.parts:
        lines += ["", "It may be more than one issue:", "", *(f"- {part}" for part in points.parts)]
    how = "`/tamma answer 1: ...` in a comment answers, more of them a line each; `/tamma approve` takes the"
    elsewhere = f'`tamma answer {task_id} "1: ..."` does the same in a terminal.'
    return "\n".join((*lines, "", f"The run waits. {how} defaults. {elsewhere}"))


def answered_comment(decided: Sequence[Decided]) -> str:
    """What takes its place when somebody has answered."""
    return "\n".join(("**Answered.** The work goes on with this:", "", *map(_decided_line, decided)))


def _decided_line(each: Decided) -> str:
    answer = each.answer.strip().replace("\n", "\n  ")
    return f"- {each.question} {answer}{f' ({each.by})' if each.by else ''}"


def score_words(score: float) -> str:
    """`0.8 of 1`."""
    return f"{score:.2f}".rstrip("0").rstrip(".") + " of 1"


def _ambiguity(points: OpenPoints, known: Sequence[str]) -> list[str]:
    if not points.ambiguity:
        return []
    reasons = [reason for reason in points.reasons if reason not in known]
    why = f": {'; '.join(reasons)}" if reasons else ""
    return ["", f"**Ambiguity:** {score_words(points.ambiguity)}{why}"]


def _list(heading: str, items: Sequence[str]) -> list[str]:
    return ["", f"**{heading}**", *(f"- {item}" for item in items)] if items else []
