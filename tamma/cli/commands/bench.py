"""`tamma bench`: try agents on tasks with known answers, and compare them. What makes suites of tasks is in
`tamma/cli/benching/suites.py`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.benching.suites import from_history, import_, show
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.experiments.benchmarks import BenchReport
    from tamma.model.bench import BenchRecord
    from tamma.store.interface import Store

BENCH = click.argument("bench", default="last", metavar="[BENCH]")


@click.group()
def command() -> None:
    """Try agents on tasks with known answers, and compare them.

    A suite is a set of tasks, each with hidden tests; a benchmark tries agents on all of them. BENCH is an id
    or its last digits; without one, the newest is meant.
    """


for each in (import_, from_history, show):
    command.add_command(each)


@command.command(name="list")
@click.option("--suites", is_flag=True, help="The suites, instead of the benchmarks.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def list_them(
    invocation: Invocation,
    suites: bool,
    limit: int,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """List the benchmarks, newest first, or the suites."""
    from tamma.cli.benching import telling
    from tamma.cli.benching.running import look

    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        if suites:
            refs = await store.list_suites()
            if as_json:
                output.json_document([telling.suite_ref_json(ref) for ref in refs])
            elif refs:
                output.table(telling.SUITE_HEADS, [telling.suite_row(ref) for ref in refs])
            else:
                output.note("there are no suites")
                output.note("hint: `tamma bench import FILE` reads one; --samples makes one to try")
            return
        records = [(await look(link.client, each))[0] for each in await store.list_benches(limit=limit)]
    if as_json:
        output.json_document([telling.bench_json(record) for record in records])
    elif records:
        output.table(telling.BENCH_HEADS, [telling.bench_row(record) for record in records])
    else:
        output.note("there are no benchmarks")
        output.note("hint: `tamma bench run SUITE --agent NAME` makes one")


@command.command()
@click.argument("suite")
@click.option("--agent", "agents", multiple=True, required=True, metavar="NAME[@N]", help="Whom to try.")
@click.option("--repeats", type=click.IntRange(1, 100), default=1, show_default=True, help="Trials a task.")
@click.option("--budget", type=Decimal, metavar="USD", help="No trial begins that could exceed it.")
@click.option(
    "--instructions",
    multiple=True,
    metavar="FILE",
    help="Lay this file over AGENTS.md in the clones; given more than once, the files are compared. "
    "`repo` means the repository's own.",
)
@click.option("--concurrency", type=click.IntRange(1, 100), default=4, show_default=True, help="At once.")
@click.option("--trial-budget", type=Decimal, metavar="USD", help="For each trial, not the task's own.")
@click.option("--trial-turns", type=click.IntRange(1, 100_000), help="For each trial, not the task's own.")
@click.option("--trial-minutes", type=click.FloatRange(0, min_open=True), help="For each trial.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of rehearsals.")
@click.option("--watch", is_flag=True, help="Follow it to its end, then print the report.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def run(
    invocation: Invocation,
    suite: str,
    agents: tuple[str, ...],
    repeats: int,
    budget: Decimal | None,
    instructions: tuple[str, ...],
    concurrency: int,
    trial_budget: Decimal | None,
    trial_turns: int | None,
    trial_minutes: float | None,
    seed: int,
    watch: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Try agents on every task of SUITE: a name, or NAME@HASH for one content of it."""
    from tamma.cli.arms import check_arms
    from tamma.cli.benching import running, showing
    from tamma.cli.benching.choosing import arms_of, limits_of, suite_named
    from tamma.cli.gates import person
    from tamma.model.bench import BenchId, BenchRequest
    from tamma.model.ids import uuid7
    from tamma.suites.content import ref_of

    if budget is not None and not (budget.is_finite() and budget > 0):
        raise click.UsageError(f"--budget {budget}: give a positive amount of US dollars")
    limits = limits_of(trial_budget, trial_turns, trial_minutes)
    loaded = invocation.load(temporal_address, database_url)
    async with invocation.link(loaded=loaded, fresh_worker=True) as link, link.store() as store:
        found = await suite_named(store, suite)
        arms = await arms_of(store, agents, instructions)
        pins = [arm.agent for arm in arms if arm.agent is not None]
        rehearsal = any(task.rehearsal is not None for task in found.tasks)
        await check_arms(store, loaded, pins, rehearsal=rehearsal)
        request = BenchRequest(
            BenchId(uuid7()),
            ref_of(found),
            arms,
            repeats,
            budget,
            concurrency,
            seed,
            limits,
            started_by=person(),
        )
        record = await running.start(link.client, store, request)
        if not watch:
            showing.show_record(record, as_json=as_json, verb="started")
            return
        output.note(f"benchmark {request.bench_id}: {request.cells} trials")
        record = await running.follow(link.client, store, record)
        found_report = await _report(store, record)
    showing.print_report(found_report, "json" if as_json else "text")


@command.command()
@BENCH
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def status(
    invocation: Invocation,
    bench: str,
    watch: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Show how a benchmark stands."""
    from tamma.cli.benching import running, telling
    from tamma.cli.benching.choosing import bench_named

    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        record = await bench_named(store, bench)
        if watch:
            record = await running.follow(link.client, store, record)
        record, view = await running.look(link.client, record)
    now = view.running if view is not None else ()
    if as_json:
        output.json_document(telling.bench_json(record, now))
        return
    for line in telling.status_lines(record, now, link.ui_url):
        output.data(line)


@command.command()
@BENCH
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="A line a task and agent.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The whole report as Markdown.")
@server_options
@click.pass_obj
@asynchronous
async def report(
    invocation: Invocation,
    bench: str,
    as_json: bool,
    as_csv: bool,
    as_markdown: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Report what a benchmark gave: every agent, every two compared by task, every task."""
    from tamma.cli.benching import showing
    from tamma.cli.benching.choosing import bench_named
    from tamma.cli.benching.running import look

    if as_json + as_csv + as_markdown > 1:
        raise click.UsageError("give one of --json, --csv and --markdown")
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        record, _ = await look(link.client, await bench_named(store, bench))
        found = await _report(store, record)
    form = "json" if as_json else "csv" if as_csv else "markdown" if as_markdown else "text"
    showing.print_report(found, form)


@command.command()
@BENCH
@click.option("--now", is_flag=True, help="End the trials that run, too. What they spent is kept.")
@server_options
@click.pass_obj
@asynchronous
async def stop(
    invocation: Invocation, bench: str, now: bool, temporal_address: str | None, database_url: str | None
) -> None:
    """Begin no more trials; those that run may end."""
    words = "no trial begins any more" + ("; those that run are ended" if now else "; those that run may end")
    await _tell(invocation.link(temporal_address, database_url), bench, "stop_now" if now else "stop", words)


@command.command()
@BENCH
@server_options
@click.pass_obj
@asynchronous
async def pause(
    invocation: Invocation, bench: str, temporal_address: str | None, database_url: str | None
) -> None:
    """Begin no trial until `tamma bench resume`."""
    await _tell(invocation.link(temporal_address, database_url), bench, "pause", "no trial begins for now")


@command.command()
@BENCH
@server_options
@click.pass_obj
@asynchronous
async def resume(
    invocation: Invocation, bench: str, temporal_address: str | None, database_url: str | None
) -> None:
    """Let a paused benchmark go on."""
    await _tell(invocation.link(temporal_address, database_url), bench, "resume", "it goes on")


# --- parts ---------------------------------------------------------------------------------------


async def _tell(linking: AbstractAsyncContextManager[Link], bench: str, signal: str, words: str) -> None:
    from tamma.cli.benching.choosing import bench_named
    from tamma.cli.benching.running import tell

    async with linking as link, link.store() as store:
        record = await bench_named(store, bench)
        await tell(link.client, record, signal)
    output.note(words)


async def _report(store: Store, record: BenchRecord) -> BenchReport:
    import asyncio

    from tamma.experiments.benchmarks import report as figures

    request = record.request
    runs = await store.cell_runs(request.bench_id)
    units = await store.list_tasks(request.suite.hash, limit=request.suite.tasks)
    return await asyncio.to_thread(figures, record, runs, units)
