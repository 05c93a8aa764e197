"""Reading what models answer when they were asked for JSON: lenient in form, strict in meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from tamma.model.loose_json import find_object


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
    ambiguities: tuple[str, ...] = ()
    test: str = ""
    structured: bool = True

    def markdown(self) -> str:
        """The plan as a person reads it."""
        lines = [self.summary, ""]
        for number, step in enumerate(self.steps, 1):
            where = f" ({', '.join(f'`{path}`' for path in step.files)})" if step.files else ""
            lines.append(f"{number}. {step.title}{where}")
        if self.test:
            lines += ["", f"**Failing test:** {self.test}"]
        for heading, items in (("Risks", self.risks), ("Open points", self.ambiguities)):
            if items:
                lines += ["", f"**{heading}**", *(f"- {item}" for item in items)]
        return "\n".join(lines).strip()


@dataclass(frozen=True, slots=True)
class Review:
    approved: bool
    summary: str
    comments: tuple[str, ...] = ()


def read_plan(answer: str) -> Plan:
    """The plan in a model's answer; its bare words, as one step, where it gave no JSON."""
    data = find_object(answer)
    if data is None or not _strings([data.get("summary")]):
        text = answer.strip() or "(the model said nothing)"
        return Plan(text[:2000], (PlanStep("Solve the issue as described above"),), structured=False)
    steps = tuple(step for step in map(_step, _items(data.get("steps"))) if step is not None)
    return Plan(
        summary=str(data["summary"]).strip(),
        steps=steps[:12],
        risks=_strings(_items(data.get("risks"))),
        ambiguities=_strings(_items(data.get("ambiguities"))),
        test=str(data.get("test") or "").strip(),
    )


def read_review(answer: str) -> Review:
    """The review in a model's answer.

    An answer that cannot be read approves nothing and demands nothing: it is kept as a remark, and the
    gates decide (`approved` is True, because a review is advice and the tests are the gate).
    """
    data = find_object(answer)
    if data is None:
        return Review(True, "The review could not be read: " + answer.strip()[:300])
    comments = tuple(text[:500] for text in _strings(_items(data.get("comments"))))[:10]
    wants_changes = str(data.get("verdict", "")).lower() in ("request_changes", "reject", "changes")
    return Review(
        approved=not (wants_changes and comments),
        summary=str(data.get("summary") or "").strip()[:1000],
        comments=comments,
    )


def _items(value: object) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    return [] if value is None else [value]


def _strings(values: list[object]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values if isinstance(value, str) and value.strip())


def _step(value: object) -> PlanStep | None:
    if isinstance(value, str) and value.strip():
        return PlanStep(value.strip())
    if isinstance(value, dict):
        step = cast("dict[str, object]", value)
        titles = _strings([step.get("title") or step.get("step") or step.get("description")])
        if titles:
            return PlanStep(titles[0], _strings(_items(step.get("files"))))
    return None
