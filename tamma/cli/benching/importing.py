"""`tamma bench import`: suites from files, results of others, rehearsals, the shipped samples."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tamma.errors import ConfigError
from tamma.model.bench import BenchArm, BenchId, BenchRecord, BenchRequest, BenchState, BenchTally
from tamma.model.ids import TaskId, uuid7
from tamma.model.metrics import Cell, RunKind, RunMetrics

if TYPE_CHECKING:
    from tamma.model.suite import Suite, SuiteTask
    from tamma.store.interface import Store


def read_file(path: Path, *, name: str, repository_root: Path | None, hints: bool) -> Suite:
    """The suite of a file, with its commits settled. Raises ConfigError."""
    from tamma.suites.commits import settle
    from tamma.suites.content import make_suite
    from tamma.suites.forms.read import read_suite
    from tamma.suites.forms.swebench import Reading

    suite = read_suite(path, name=name, reading=Reading(repository_root, hints))
    settled = settle(suite.tasks)
    if settled == suite.tasks:
        return suite
    return make_suite(suite.name, settled, description=suite.description, graders=suite.graders)


async def import_results(store: Store, path: Path, suite: Suite, *, model: str, by: str) -> BenchRecord:
    """Keep results of others as a benchmark of `suite`. Raises ConfigError where they are of other tasks.

    Their cells hold what is known: whether the task was solved. Costs and durations are marked as unknown.
    """
    from tamma.suites.content import ref_of
    from tamma.suites.results import read_results_file

    results = read_results_file(path)
    label = model or results.model
    known = {task.id: task for task in suite.tasks}
    strangers = [task for task in results.outcomes if task not in known]
    if len(strangers) == len(results.outcomes):
        raise ConfigError(
            f"none of the {len(strangers)} tasks in {path.name} is in the suite {suite.name!r}",
            hint=f"the first one is {strangers[0]!r}: name the suite that was evaluated with --suite",
        )
    bench_id, now = BenchId(uuid7()), datetime.now(UTC)
    runs = [
        _imported(bench_id, label, known[task], error_type, now)
        for task, error_type in results.outcomes.items()
        if task in known
    ]
    for run in runs:
        await store.record_run(run)
    tally = BenchTally(begun=len(runs), ended=len(runs), solved=sum(run.success for run in runs))
    request = BenchRequest(bench_id, ref_of(suite), (BenchArm(label),), started_by=by, tally=tally)
    reason = f"imported from {path.name}" + (
        f"; {len(strangers)} tasks are not in the suite" if strangers else ""
    )
    record = BenchRecord(request, BenchState.IMPORTED, now, now, reason)
    await store.save_bench(record)
    return record


def _imported(bench: BenchId, label: str, task: SuiteTask, error_type: str, now: datetime) -> RunMetrics:
    from tamma.experiments.benchmarks import IMPORTED

    return RunMetrics(
        run_id=f"imported/{bench}/{task.id}",
        task_id=TaskId(f"imported/{bench}/{task.id}"),
        kind=RunKind.BENCH,
        agent=None,
        provider=IMPORTED,
        model=label,
        served_models=(),
        repo=task.repository,
        issue=task.id,
        task_type=task.task_type,
        started_at=now,
        ended_at=now,
        duration_ms=0,
        waiting_ms=0,
        turns=0,
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cost_usd=Decimal(0),
        unpriced_calls=1,  # nobody knows what it cost: it is no zero
        success=not error_type,
        error_type=error_type,
        cell=Cell(bench, label, task.id),
    )
