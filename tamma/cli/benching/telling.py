"""Benchmarks and suites as rows, lines and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tamma.model.bench import BenchRecord, BenchState, BenchTally, BenchView

if TYPE_CHECKING:
    from tamma.model.suite import Suite, SuiteRef, SuiteTask

BENCH_HEADS = ("BENCHMARK", "SUITE", "STATE", "TRIALS", "SOLVED", "SPENT", "AGE", "AGENTS")
SUITE_HEADS = ("SUITE", "TASKS", "HASH")
TASK_HEADS = ("TASK", "CONTEXT", "REPOSITORY", "BASE", "TITLE")


def bench_row(record: BenchRecord) -> tuple[str, ...]:
    request, tally = record.request, record.request.tally
    return (
        request.bench_id[-8:],
        request.suite.name,
        record.state.value,
        f"{tally.ended}/{request.cells}",
        str(tally.solved),
        money(tally.spent_usd),
        age(record.created_at),
        ", ".join(arm.label for arm in request.arms),
    )


def bench_json(record: BenchRecord, running: Sequence[str] = ()) -> dict[str, Any]:
    request, tally = record.request, record.request.tally
    return {
        "benchId": request.bench_id,
        "suite": suite_ref_json(request.suite),
        "agents": [
            {
                "label": arm.label,
                "name": arm.agent.name if arm.agent else None,
                "version": arm.agent.version if arm.agent else None,
                "configHash": arm.agent.hash if arm.agent else None,
                "instructions": arm.instructions,
            }
            for arm in request.arms
        ],
        "repeats": request.repeats,
        "seed": request.seed,
        "budgetUsd": str(request.budget_usd) if request.budget_usd is not None else None,
        "state": record.state.value,
        "reason": record.reason,
        "trials": request.cells,
        "ended": tally.ended,
        "solved": tally.solved,
        "lost": tally.lost,
        "spentUsd": str(tally.spent_usd),
        "running": list(running),
        "notes": list(tally.notes),
        "createdAt": record.created_at.isoformat(),
        "endedAt": record.ended_at.isoformat() if record.ended_at else None,
    }


def of_view(record: BenchRecord, view: BenchView | None) -> BenchRecord:
    """What is kept, with what the running workflow says."""
    if view is None:
        return record
    return BenchRecord(view.request, view.state, record.created_at, record.ended_at, view.reason)


def status_lines(record: BenchRecord, running: Sequence[str], ui_url: str | None) -> list[str]:
    """A benchmark on a sheet."""
    request, tally = record.request, record.request.tally
    facts = [
        ("benchmark", request.bench_id),
        ("suite", f"{request.suite.name} ({request.suite.tasks} tasks, {short(request.suite.hash)})"),
        ("agents", ", ".join(arm.label for arm in request.arms)),
        ("state", record.state.value + (f": {record.reason}" if record.reason else "")),
        ("trials", f"{tally.ended} of {request.cells} ended, {tally.solved} solved"),
        ("lost", str(tally.lost) if tally.lost else ""),
        ("spent", spent(tally, request.budget_usd)),
        ("running", ", ".join(running[:6]) + (" …" if len(running) > 6 else "")),
        ("web UI", ui_url or ""),
    ]
    lines = [f"  {name:<11}{value}" for name, value in facts if value]
    return [*lines, *(f"  note: {note}" for note in tally.notes)]


def progress_line(view: BenchView) -> str:
    """One line while one waits."""
    tally, request = view.request.tally, view.request
    share = f", {tally.solved / tally.ended:.0%} solved" if tally.ended else ""
    return (
        f"{tally.ended}/{request.cells} trials{share}, {spent(tally, request.budget_usd)}, "
        f"{len(view.running)} running, {view.state.value}"
    )


def spent(tally: BenchTally, budget: Decimal | None) -> str:
    return money(tally.spent_usd) + (f" of {money(budget)}" if budget is not None else "")


def suite_row(ref: SuiteRef) -> tuple[str, ...]:
    return (ref.name, str(ref.tasks), short(ref.hash))


def suite_ref_json(ref: SuiteRef) -> dict[str, Any]:
    return {"name": ref.name, "hash": ref.hash, "tasks": ref.tasks}


def suite_json(suite: Suite) -> dict[str, Any]:
    """A suite without its tests and solutions: what is shown may end up where agents read."""
    return {
        "name": suite.name,
        "hash": suite.hash,
        "description": suite.description,
        "tasks": [task_json(task) for task in suite.tasks],
    }


def task_json(task: SuiteTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "context": task.context.value,
        "taskType": task.task_type.value,
        "title": title_of(task),
        "repository": task.repository,
        "baseCommit": task.base_commit,
        "rehearsal": task.rehearsal is not None,
        "failToPass": len(task.hidden_tests.fail_to_pass),
        "passToPass": len(task.hidden_tests.pass_to_pass),
        "limits": {
            "budgetUsd": str(task.limits.budget_usd),
            "maxTurns": task.limits.max_turns,
            "minutes": task.limits.minutes,
        },
    }


def title_of(task: SuiteTask) -> str:
    """The title, or the first line of the issue."""
    return task.title or task.issue.strip().partition("\n")[0].strip("# ")[:100]


def task_row(task: SuiteTask) -> tuple[str, ...]:
    what = "rehearsal" if task.rehearsal is not None else task.context.value
    return (task.id, what, task.repository or "-", task.base_commit[:12] or "-", title_of(task))


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def money(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.2f} USD"


def age(since: datetime) -> str:
    seconds = int((datetime.now(UTC) - since).total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def live(records: Iterable[BenchRecord]) -> list[BenchRecord]:
    """Those whose workflow may have more to say."""
    return [record for record in records if record.state in (BenchState.RUNNING, BenchState.PAUSED)]
