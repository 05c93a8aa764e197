"""An A/B test's report on a terminal: the verdict in a sentence, then why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tamma.cli.output import shown
from tamma.experiments.report import words
from tamma.experiments.report.model import Report
from tamma.experiments.wording import finite, signed
from tamma.model.verdict import Decision, Effect

_TONES = {
    Decision.WINNER: "green",
    Decision.CONTROL: "red",
    Decision.INVALID: "red",
    Decision.EQUIVALENT: "blue",
    Decision.INCONCLUSIVE: "yellow",
}
_MOST_TASKS = 15
_WIDE = 120
"""Columns from which there is room for pictures and for every figure of an arm."""
_BAR = 33
"""Characters of the picture of an interval."""


def print_report(report: Report, console: Console | None = None) -> None:
    """The whole report; the tasks that differ are cut after a few, the other renderings have all."""
    console = console or Console(file=sys.stdout, highlight=False)
    control, candidate = report.arms
    console.print(_text(f"A/B test: {report.name}", "bold"))
    console.print(_text(f"control {control.agent} against candidate {candidate.agent}"))
    if report.rehearsal:
        console.print(_text(words.REHEARSAL, "bold yellow"))
    wide = console.width >= _WIDE
    blocks = (
        _card(report),
        _metrics(report, wide=wide),
        _guardrails(report),
        _arms(report, wide=wide),
        _looks(report),
        _groups(report),
    )
    for block in blocks:
        if block is not None:
            console.print(Padding(block, (1, 0, 0, 0)))
    _tasks(report, console)
    _changes(report, console)
    for line in _notes(report):
        console.print(_text(f"note: {line}", "dim"))


def _card(report: Report) -> Panel:
    verdict, standing = report.verdict, report.standing
    body = Text()
    if verdict is None:
        body.append("There is no verdict before the first look.\n")
        title, tone = "No look was taken yet", "yellow"
    else:
        title, tone = words.DECISIONS[verdict.decision], _TONES[verdict.decision]
        body.append(f"{shown(verdict.sentence)}\n")
        for reason in verdict.reasons:
            body.append(f"\n{reason.value}", style="bold")
            body.append(f"  {words.REASONS[reason]}")
        body.append("\n")
    facts = [f"state {standing.state.value}", f"spent {words.money(standing.spent_usd)}"]
    if report.evidence:
        facts.insert(0, f"tasks {report.evidence.units} of {report.evidence.units_planned}")
        if report.evidence.mde is not None:
            facts.append(f"reliably shows {words.size(report.plan.primary, report.evidence.mde)} or more")
    if standing.approver:
        checked = "" if standing.approver.authenticated else " (not authenticated)"
        facts.append(f"{standing.approver.decision} by {shown(standing.approver.name)}{checked}")
    facts.append(f"a rollback goes to {shown(report.rollback_target)}")
    body.append(f"\n{'; '.join(facts)}", style="dim")
    return Panel(body, title=_text(title, f"bold {tone}"), border_style=tone, title_align="left")


def _metrics(report: Report, *, wide: bool) -> Table | None:
    if report.evidence is None:
        return None
    effects = (report.evidence.primary, *report.evidence.secondary)
    rows = (
        (
            words.title(effect.metric) + ("*" if effect is report.evidence.primary else ""),
            words.value(effect.metric, effect.control),
            words.value(effect.metric, effect.candidate),
            words.seen(effect),
            words.interval(effect),
            words.p_value(effect.p),
            bar(effect),
        )
        for effect in effects
    )
    head = ("metric (* decides)", "control", "candidate", "difference", "likely", "p", "worse | better")
    return _table(head if wide else head[:-1], rows)


def _guardrails(report: Report) -> Table | None:
    if report.evidence is None or not report.evidence.guardrails:
        return None
    rows = (
        (
            words.title(result.guardrail.metric),
            words.size(result.guardrail.metric, result.guardrail.margin),
            words.guarded(result),
            words.interval(result.effect),
        )
        for result in report.evidence.guardrails
    )
    return _table(("guardrail", "may be worse by", "stands", "likely"), rows)


def _arms(report: Report, *, wide: bool) -> Table:
    rows = (
        (
            arm.arm.value,
            f"{words.percent(arm.success.value)} of {arm.trials}",
            words.number(arm.quality.value),
            words.money(arm.cost.mean if arm.cost else None),
            words.lasting(arm.duration.p50 if arm.duration else None),
            words.money(arm.cost_per_success),
            words.money(arm.cost.p95 if arm.cost else None),
            words.lasting(arm.duration.p95 if arm.duration else None),
            words.percent(arm.truncation_rate, 0),
            words.percent(arm.cache_hit_rate, 0),
        )
        for arm in report.arms
    )
    head = ("arm", "solved", "quality", "mean cost", "p50 time", "a success", "p95 cost", "p95 time",
            "truncated", "cached")  # fmt: skip
    return _table(head if wide else head[:6], rows)


def _looks(report: Report) -> Table | None:
    if not report.looks:
        return None
    rows = (
        (
            f"{look.number} of {len(report.looks_planned)}",
            str(look.units),
            words.number(look.z, 2),
            f"±{words.number(look.boundary, 2)}",
            "yes" if look.crossed else "no",
            words.money(look.spent_usd),
        )
        for look in report.looks
    )
    return _table(("look", "tasks", "strength (z)", "needed", "reached", "spent"), rows)


def _groups(report: Report) -> Table | None:
    if not report.groups:
        return None
    metric = report.plan.primary
    rows = (
        (
            row.name,
            str(row.n),
            words.value(metric, row.control),
            words.value(metric, row.candidate),
            words.DASH if row.effect is None else signed(metric, row.effect),
            words.p_value(row.p),
        )
        for row in report.groups
    )
    return _table(("exploratory: group", "tasks", "control", "candidate", "difference", "p (adjusted)"), rows)


def _tasks(report: Report, console: Console) -> None:
    if not report.pairs:
        return
    apart = [row for row in report.pairs if row.won != "tie"]
    wins = sum(row.won == "win" for row in apart)
    console.print()
    console.print(
        _text(f"Tasks: {wins} won, {len(apart) - wins} lost, {len(report.pairs) - len(apart)} tied.", "bold")
    )
    rows = [
        (row.won, row.unit, " ".join(row.control.runs), " ".join(row.candidate.runs))
        for row in apart[:_MOST_TASKS]
    ]
    if rows:
        console.print(_table(("", "task", "control's run", "candidate's run"), rows))
    if len(apart) > _MOST_TASKS:
        console.print(_text(f"{len(apart) - _MOST_TASKS} more differ: --csv and --html have all.", "dim"))


def _changes(report: Report, console: Console) -> None:
    if not report.changes:
        return
    rows = [
        (change.path, change.control or f"{len(change.diff)} lines of diff", change.candidate)
        for change in report.changes
    ]
    console.print()
    console.print(_table(("setting", "control", "candidate"), rows))


def _notes(report: Report) -> Iterable[str]:
    yield from report.notes
    if report.evidence:
        yield from report.evidence.warnings
        if not report.evidence.generalisable:
            yield words.not_general(report.evidence)


def bar(effect: Effect) -> str:
    """The interval as a picture, no difference in the middle: `      |  ├──●──┤ `."""
    estimate, low, high = (finite(each) for each in (effect.estimate, effect.low, effect.high))
    if estimate is None or low is None or high is None:
        return ""
    reach = max(abs(low), abs(high), abs(estimate)) or 1.0
    half = _BAR // 2

    def place(value: float) -> int:
        return half + round(value / reach * half)

    line = [" "] * _BAR
    line[place(low) : place(high) + 1] = "─" * (place(high) - place(low) + 1)
    line[place(low)], line[place(high)] = "├", "┤"
    line[half] = "|" if line[half] == " " else "┼"
    line[place(estimate)] = "●"
    return "".join(line)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in head:
        table.add_column(_text(name), overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row[: len(head)]))
    return table


def _text(value: str, style: str = "") -> Text:
    """Foreign text: no markup is read in it, and it cannot steer the terminal."""
    return Text(shown(value), style=style)
