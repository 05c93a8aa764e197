"""What `tamma bench` says about a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.benching import reporting, telling

if TYPE_CHECKING:
    from tamma.experiments.benchmarks import BenchReport
    from tamma.model.bench import BenchRecord


def print_report(found: BenchReport, form: str) -> None:
    if form == "json":
        output.json_document(reporting.report_json(found))
    elif form == "csv":
        click.echo(reporting.comma_separated(found), nl=False)
    elif form == "markdown":
        output.data(reporting.markdown(found))
    else:
        output.table(reporting.ARM_HEADS, [reporting.arm_row(arm) for arm in found.arms])
        if found.pairs:
            output.data()
            output.table(reporting.PAIR_HEADS, [reporting.pair_row(pair) for pair in found.pairs])
            output.data()
            for line in reporting.sentences(found):
                output.data(line)
        output.data()
        heads = ("TASK", *(arm.label for arm in found.arms))
        rows = [reporting.task_row(task) for task in found.tasks]
        output.table(heads, rows[: reporting.MATRIX_TASKS])
        if len(rows) > reporting.MATRIX_TASKS:
            output.note(f"and {len(rows) - reporting.MATRIX_TASKS} more tasks: --csv has them all")
        if reasons := reporting.reasons(found):
            output.data()
            for line in reasons:
                output.data(line)
        for words in reporting.notes(found):
            output.note(f"note: {words}")


def show_record(record: BenchRecord, *, as_json: bool, verb: str) -> None:
    if as_json:
        output.json_document(telling.bench_json(record))
        return
    request = record.request
    output.data(request.bench_id)
    output.note(f"{verb}: {request.cells} trials of {', '.join(arm.label for arm in request.arms)}")
    output.note(f"hint: `tamma bench status {request.bench_id[-8:]} --watch` follows it")
