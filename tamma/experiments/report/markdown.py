"""A report as Markdown, short enough for a comment on an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tamma.experiments.report import words
from tamma.experiments.report.model import PairRow, Report
from tamma.experiments.wording import signed

MOST_TASKS = 20
"""Won and lost tasks that are listed; the HTML file and the CSV have all."""
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of writing."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")


def to_markdown(report: Report) -> str:
    """GitHub-flavoured Markdown. What others wrote is escaped: it can neither format nor mention anybody."""
    blocks = [
        f"# A/B test: {text(report.name)}",
        *_card(report),
        *_metrics(report),
        *_arms(report),
        *_looks(report),
        *_groups(report),
        *_tasks(report),
        *_changes(report),
        *_notes(report),
    ]
    return "\n\n".join(blocks) + "\n"


def text(value: str) -> str:
    """Foreign text on one line, with nothing that Markdown reads."""
    # A zero-width space keeps `@name` and `#1` from being looked up: an escaped one is still a mention.
    flat = _TURNS.sub("\ufffd", " ".join(value.split()))
    quiet = re.sub(r"((?<!\w)@|#)(?=\w)", "\\1\u200b", flat)
    return _SPECIAL.sub(r"\\\1", quiet)


def _card(report: Report) -> Iterable[str]:
    control, candidate = (arm.agent for arm in report.arms)
    if report.rehearsal:
        yield f"> {words.REHEARSAL}"
    yield f"Control **{text(control)}** against candidate **{text(candidate)}**."
    verdict, standing = report.verdict, report.standing
    if verdict is None:
        yield "No look was taken yet: there is no verdict."
    else:
        yield f"**{words.DECISIONS[verdict.decision]}.** {text(verdict.sentence)}"
        yield "\n".join(f"- `{reason.value}`: {words.REASONS[reason]}" for reason in verdict.reasons)
    facts = [("state", standing.state.value), ("spent", words.money(standing.spent_usd))]
    if standing.stop_reason:
        facts.append(("ended because", words.STOPS[standing.stop_reason]))
    if report.evidence and report.evidence.mde is not None:
        shown = words.size(report.plan.primary, report.evidence.mde)
        facts.append(("least difference that so many tasks reliably show", shown))
    if standing.approver:
        known = "" if standing.approver.authenticated else " (not authenticated)"
        facts.append((f"{standing.approver.decision}d by", text(standing.approver.name) + known))
    facts.append(("a rollback goes to", text(report.rollback_target)))
    yield "\n".join(f"- {name}: {value}" for name, value in facts)


def _metrics(report: Report) -> Iterable[str]:
    if report.evidence is None:
        return
    yield "## Metrics"
    effects = [report.evidence.primary, *report.evidence.secondary]
    yield _table(
        ("metric", "control", "candidate", "difference", "likely", "p", "method"),
        [
            (
                words.title(effect.metric) + (" (decides)" if effect is report.evidence.primary else ""),
                words.value(effect.metric, effect.control),
                words.value(effect.metric, effect.candidate),
                text(words.seen(effect)),
                words.interval(effect),
                words.p_value(effect.p),
                words.method(effect.method),
            )
            for effect in effects
        ],
    )
    if report.evidence.guardrails:
        yield _table(
            ("guardrail", "allowed to be worse by", "stands", "likely"),
            [
                (
                    words.title(result.guardrail.metric),
                    words.size(result.guardrail.metric, result.guardrail.margin),
                    words.guarded(result),
                    words.interval(result.effect),
                )
                for result in report.evidence.guardrails
            ],
        )


def _arms(report: Report) -> Iterable[str]:
    yield "## Arms"
    yield _table(
        ("", "solved", "quality", "mean cost", "p95 cost", "median time", "p95 time", "cost of a success"),
        [
            (
                f"{arm.arm.value}, {text(arm.agent)}",
                f"{words.percent(arm.success.value)} of {arm.trials}",
                words.number(arm.quality.value),
                words.money(arm.cost.mean if arm.cost else None),
                words.money(arm.cost.p95 if arm.cost else None),
                words.lasting(arm.duration.p50 if arm.duration else None),
                words.lasting(arm.duration.p95 if arm.duration else None),
                words.money(arm.cost_per_success),
            )
            for arm in report.arms
        ],
    )


def _looks(report: Report) -> Iterable[str]:
    if not report.looks:
        return
    yield "## Looks"
    yield _table(
        ("look", "tasks", "strength (z)", "needed", "reached", "spent"),
        [
            (
                f"{look.number} of {len(report.looks_planned)}",
                str(look.units),
                words.number(look.z, 2),
                words.number(look.boundary, 2),
                "yes" if look.crossed else "no",
                words.money(look.spent_usd),
            )
            for look in report.looks
        ],
    )


def _groups(report: Report) -> Iterable[str]:
    if not report.groups:
        return
    yield "## By task type and repository"
    yield "Exploratory: one of many groups always looks special. p is adjusted (Benjamini-Hochberg)."
    metric = report.plan.primary
    yield _table(
        ("", "tasks", "control", "candidate", "difference", "p"),
        [
            (
                text(row.name),
                str(row.n),
                words.value(metric, row.control),
                words.value(metric, row.candidate),
                words.DASH if row.effect is None else signed(metric, row.effect),
                words.p_value(row.p),
            )
            for row in report.groups
        ],
    )


def _tasks(report: Report) -> Iterable[str]:
    apart = [row for row in report.pairs if row.won != "tie"]
    if not report.pairs:
        return
    wins = sum(row.won == "win" for row in report.pairs)
    yield "## Tasks"
    yield (
        f"{wins} won, {len(apart) - wins} lost, {len(report.pairs) - len(apart)} tied by the candidate."
        + (f" The first {MOST_TASKS} that differ:" if len(apart) > MOST_TASKS else "")
    )
    if apart:
        yield _table(("task", "", "control's run", "candidate's run"), map(_task, apart[:MOST_TASKS]))


def _task(row: PairRow) -> tuple[str, ...]:
    runs = (" ".join(map(text, cell.runs)) for cell in (row.control, row.candidate))
    return (text(row.unit), row.won, *runs)


def _changes(report: Report) -> Iterable[str]:
    if not report.changes:
        return
    yield "## What is different"
    yield "\n".join(
        f"- {text(change.path)}: "
        + (
            f"{len(change.diff)} lines of diff"
            if change.diff
            else f"{text(change.control)} → {text(change.candidate)}"
        )
        for change in report.changes
    )


def _notes(report: Report) -> Iterable[str]:
    warnings = report.evidence.warnings if report.evidence else ()
    lines = [*report.notes, *warnings]
    if report.evidence and not report.evidence.generalisable:
        lines.append(
            f"The result holds for these {report.evidence.repositories} repositories, perhaps not for others."
        )
    if lines:
        yield "## Notes"
        yield "\n".join(f"- {text(line)}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
