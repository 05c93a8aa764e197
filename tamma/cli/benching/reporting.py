"""A benchmark's report as text, Markdown, CSV and JSON. Pure."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tamma.cli.benching.telling import bench_json, money, short

if TYPE_CHECKING:
    from tamma.experiments.benchmarks import ArmFigures, BenchReport, PairFigures, TaskFigures
    from tamma.model.estimates import Comparison

ARM_HEADS = (
    "AGENT",
    "SOLVED",
    "RATE",
    "95 %",
    "QUALITY",
    "COST",
    "PER SUCCESS",
    "MEDIAN",
    "TURNS",
    "MISSING",
)
PAIR_HEADS = ("COMPARED", "TASKS", "BETTER/WORSE", "SUCCESS", "95 %", "P (ADJ.)", "QUALITY", "COST")
MATRIX_TASKS = 200
"""Tasks that a terminal is shown one by one; a file holds all."""


def arm_row(arm: ArmFigures) -> tuple[str, ...]:
    return (
        arm.label,
        f"{arm.solved}/{arm.ended}",
        _percent(arm.success),
        f"{_percent(arm.interval.low)} to {_percent(arm.interval.high)}" if arm.interval else "-",
        f"{arm.quality:.1f}" if arm.quality is not None else "-",
        money(arm.cost_usd),
        money(arm.cost_per_success),
        f"{arm.seconds_median:.0f} s" if arm.seconds_median is not None else "-",
        f"{arm.turns_mean:.1f}" if arm.turns_mean is not None else "-",
        str(arm.missing),
    )


def pair_row(pair: PairFigures) -> tuple[str, ...]:
    success, quality, cost = pair.success, pair.quality, pair.cost
    return (
        f"{pair.second} against {pair.first}",
        str(pair.tasks),
        f"{pair.wins}/{pair.losses}",
        _points(success.estimate if success else None),
        _interval(success, 100.0, " points"),
        _p(pair.success_p),
        f"{quality.estimate:+.1f} (p {_p(pair.quality_p)})"
        if quality and quality.estimate is not None
        else "-",
        f"x {cost.estimate:.2f} (p {_p(pair.cost_p)})" if cost and cost.estimate is not None else "-",
    )


def task_row(task: TaskFigures) -> tuple[str, ...]:
    return (task.unit, *(_cell(solved, ended) for solved, ended in task.cells))


def sentences(found: BenchReport) -> list[str]:
    """What the figures say, in words; nothing that they do not."""
    lines: list[str] = []
    for pair in found.pairs:
        if pair.success is None or pair.success.estimate is None or pair.success_p is None:
            lines.append(f"{pair.first} and {pair.second} cannot be compared: no task was tried by both.")
        elif pair.success_p < 0.05 and pair.success.estimate != 0:
            better, worse = (
                (pair.second, pair.first) if pair.success.estimate > 0 else (pair.first, pair.second)
            )
            lines.append(
                f"{better} solves more than {worse}: {abs(pair.success.estimate) * 100:.1f} points on "
                f"{pair.tasks} tasks (adjusted p {_p(pair.success_p)})."
            )
        else:
            lines.append(
                f"{pair.tasks} tasks do not tell {pair.first} and {pair.second} apart "
                f"(difference {_points(pair.success.estimate)}, {_interval(pair.success, 100.0, ' points')})."
            )
    return lines


def reasons(found: BenchReport) -> list[str]:
    """What trials failed of, by their error types; empty where none failed."""
    return [
        f"{arm.label} failed of: " + ", ".join(f"{name} ({count})" for name, count in arm.errors)
        for arm in found.arms
        if arm.errors
    ]


def notes(found: BenchReport) -> list[str]:
    """What must be said beside the figures, and what the last trials that were lost died of."""
    lost = dict.fromkeys(words.partition(": ")[2] for words in found.record.request.tally.notes)
    return [*found.notes, *(f"a trial was lost: {words}" for words in lost)]


def markdown(found: BenchReport) -> str:
    """The whole report as one Markdown text."""
    request = found.record.request
    suite = request.suite
    parts = [
        f"# Benchmark {suite.name}",
        "",
        f"{suite.tasks} tasks ({short(suite.hash)}), {_trials(request.repeats)} each, "
        f"{found.record.state.value}" + (f": {found.record.reason}" if found.record.reason else ""),
        "",
        *_markdown_table(ARM_HEADS, [arm_row(arm) for arm in found.arms]),
        "",
    ]
    if found.pairs:
        pairs = [pair_row(pair) for pair in found.pairs]
        parts += ["## Compared by task", "", *_markdown_table(PAIR_HEADS, pairs), ""]
        parts += [f"- {line}" for line in sentences(found)]
        parts.append("")
    if lines := reasons(found):
        parts += ["## Why trials failed", "", *(f"- {line}" for line in lines), ""]
    heads = ("TASK", *(arm.label for arm in found.arms))
    parts += ["## Tasks", "", *_markdown_table(heads, [task_row(task) for task in found.tasks]), ""]
    if lines := notes(found):
        parts += ["## Notes", "", *(f"- {line}" for line in lines), ""]
    return "\n".join(parts)


def comma_separated(found: BenchReport) -> str:
    """A line a task and agent: what other programs compute with."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("benchmark", "suite", "suite_hash", "task", "agent", "solved", "ended", "planned"))
    request = found.record.request
    for task in found.tasks:
        for arm, (solved, ended) in zip(found.arms, task.cells, strict=True):
            writer.writerow(
                (
                    request.bench_id,
                    _plain(request.suite.name),
                    request.suite.hash,
                    _plain(task.unit),
                    _plain(arm.label),
                    solved,
                    ended,
                    request.repeats,
                )
            )
    return text.getvalue()


def report_json(found: BenchReport) -> dict[str, Any]:
    """The report with stable keys."""
    return {
        **bench_json(found.record),
        "arms": [
            {
                "label": arm.label,
                "models": list(arm.models),
                "planned": arm.planned,
                "ended": arm.ended,
                "missing": arm.missing,
                "unfit": arm.unfit,
                "solved": arm.solved,
                "success": arm.success,
                "successInterval": [arm.interval.low, arm.interval.high] if arm.interval else None,
                "quality": arm.quality,
                "graded": arm.graded,
                "costUsd": str(arm.cost_usd) if arm.cost_usd is not None else None,
                "costPerSuccessUsd": str(arm.cost_per_success) if arm.cost_per_success is not None else None,
                "medianSeconds": arm.seconds_median,
                "meanTurns": arm.turns_mean,
                "errors": dict(arm.errors),
            }
            for arm in found.arms
        ],
        "comparisons": [
            {
                "first": pair.first,
                "second": pair.second,
                "tasks": pair.tasks,
                "wins": pair.wins,
                "losses": pair.losses,
                "success": _comparison(pair.success, pair.success_p),
                "quality": _comparison(pair.quality, pair.quality_p),
                "cost": _comparison(pair.cost, pair.cost_p),
            }
            for pair in found.pairs
        ],
        "tasks": [
            {
                "task": task.unit,
                "cells": {
                    arm.label: {"solved": solved, "ended": ended}
                    for arm, (solved, ended) in zip(found.arms, task.cells, strict=True)
                },
            }
            for task in found.tasks
        ],
        "sentences": sentences(found),
        "reportNotes": list(found.notes),
    }


def _comparison(found: Comparison | None, adjusted: float | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "method": found.method,
        "measure": found.measure.value,
        "estimate": found.estimate,
        "interval": asdict(found.interval) if found.interval else None,
        "p": found.p,
        "adjustedP": adjusted,
        "cautions": [caution.words for caution in found.cautions],
    }


def _markdown_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _trials(count: int) -> str:
    return f"{count} trial" + ("s" if count != 1 else "")


def _plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _cell(solved: int, ended: int) -> str:
    if not ended:
        return "missing"
    if ended == 1:
        return "solved" if solved else "failed"
    return f"{solved}/{ended}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _points(difference: float | None) -> str:
    return "-" if difference is None else f"{difference * 100:+.1f} points"


def _interval(found: Comparison | None, scale: float, unit: str) -> str:
    if found is None or found.interval is None or None in (found.interval.low, found.interval.high):
        return "no interval"
    assert found.interval.low is not None
    assert found.interval.high is not None
    return f"{found.interval.low * scale:+.1f} to {found.interval.high * scale:+.1f}{unit}"


def _p(p: float | None) -> str:
    return "-" if p is None else "<0.0001" if p < 0.0001 else f"{p:.4f}"
