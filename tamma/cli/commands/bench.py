"""`tamma bench`: try agents on tasks with known answers, and compare them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.experiments.benchmarks import BenchReport
    from tamma.model.bench import BenchRecord
    from tamma.store.interface import Store

BENCH = click.argument("bench", default="last", metavar="[BENCH]")
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)


@click.group()
def command() -> None:
    """Try agents on tasks with known answers, and compare them.

    A suite is a set of tasks, each with hidden tests; a benchmark tries agents on all of them. BENCH is an id
    or its last digits; without one, the newest is meant.
    """


# --- suites --------------------------------------------------------------------------------------


@command.command(name="import")
@click.argument("file", type=FILE, required=False)
@click.option("--name", default="", help="What the suite is called, instead of the file's own name.")
@click.option("--repository-root", type=FOLDER, help="A folder of clones, for SWE-bench files: not GitHub.")
@click.option("--hints", is_flag=True, help="SWE-bench: show the agent the comments (hints_text), too.")
@click.option("--results", is_flag=True, help="FILE holds results of others, from SWE-bench's evaluation.")
@click.option("--suite", "suite_name", default="", help="With --results: the suite that was evaluated.")
@click.option("--model", default="", help="With --results: whose they are.  [default: the file's name]")
@click.option("--rehearsal", type=click.IntRange(1, 100_000), help="Make a suite of N rehearsals.")
@click.option("--seed", type=int, default=0, show_default=True, help="With --rehearsal: of difficulties.")
@click.option("--samples", is_flag=True, help="Make the sample suite, with its repositories.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def import_(
    invocation: Invocation,
    file: Path | None,
    name: str,
    repository_root: Path | None,
    hints: bool,
    results: bool,
    suite_name: str,
    model: str,
    rehearsal: int | None,
    seed: int,
    samples: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Import a suite, or results of others.

    FILE is a SWE-bench dataset (JSONL) or a suite in the native form (YAML or JSON), see docs/suites.md.
    """
    from tamma.cli.benching import importing, telling
    from tamma.cli.benching.choosing import suite_named
    from tamma.cli.gates import person
    from tamma.suites.rehearsal import rehearsal_suite
    from tamma.suites.samples import sample_suite

    if sum((file is not None, rehearsal is not None, samples)) != 1:
        raise click.UsageError("give a FILE, --rehearsal N or --samples")
    if results and not suite_name:
        raise click.UsageError("--results needs --suite: the tasks that were evaluated")
    loaded = invocation.load(temporal_address, database_url)
    async with invocation.link(loaded=loaded) as link, link.store() as store:
        if results and file is not None:
            suite = await suite_named(store, suite_name)
            record = await importing.import_results(store, file, suite, model=model, by=person())
            _show_record(record, as_json=as_json, verb="imported")
            return
        if rehearsal is not None:
            suite = rehearsal_suite(name or f"rehearsal-{rehearsal}", rehearsal, seed=seed)
        elif samples:
            suite = sample_suite(loaded.home / "suites", name=name or "samples")
        else:
            assert file is not None
            suite = importing.read_file(file, name=name, repository_root=repository_root, hints=hints)
        ref = await store.put_suite(suite)
    if as_json:
        output.json_document(telling.suite_ref_json(ref))
        return
    output.data(f"{ref.name}  {ref.tasks} tasks  {telling.short(ref.hash)}")
    output.note(f"hint: `tamma bench run {ref.name} --agent NAME` tries an agent on it")


@command.command(name="from-history")
@click.argument("repository", type=FOLDER)
@click.option("--name", default="", help="What the suite is called.  [default: the folder's name]")
@click.option("--branch", default="HEAD", show_default=True, help="Whose merged changes.")
@click.option("--look-at", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Commits.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Tasks at most.")
@click.option("--issues", metavar="OWNER/REPO", help="Read the issues that changes close from a platform.")
@click.option("--messages", is_flag=True, help="Where no issue can be read, take the commit's message.")
@click.option("--verify", is_flag=True, help="Keep tasks whose tests fail before and pass after, by running.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def from_history(
    invocation: Invocation,
    repository: Path,
    name: str,
    branch: str,
    look_at: int,
    most: int,
    issues: str | None,
    messages: bool,
    verify: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Make a suite of the merged changes of a clone: their tests are hidden, the rest is the solution.

    The commit before each change is where an agent begins. It never sees what came after.
    """
    from tamma.cli.benching import history, telling
    from tamma.errors import ConfigError
    from tamma.suites.content import make_suite

    wanted = history.Wanted(repository, branch, look_at, most, messages, verify)
    loaded = invocation.load(temporal_address, database_url)
    async with history.issues_of(loaded, issues) as read_issue:
        found = await history.harvest(wanted, loaded, read_issue)
    if found.skipped:
        output.note(f"left out: {found.words()}")
    if not found.tasks:
        raise ConfigError(
            f"no merged change in {str(repository)!r} makes a task",
            hint="--issues OWNER/REPO reads issues, --messages takes commit messages, --look-at looks back",
        )
    words = f"merged changes of {repository.name}"
    suite = make_suite(name or repository.name, found.tasks, description=words)
    async with invocation.link(loaded=loaded) as link, link.store() as store:
        ref = await store.put_suite(suite)
    if as_json:
        output.json_document({**telling.suite_json(suite), "leftOut": dict(found.skipped)})
        return
    output.data(f"{ref.name}  {ref.tasks} tasks  {telling.short(ref.hash)}")
    if not verify:
        output.note("note: the tasks were not tried: --verify keeps those that are right")


@command.command()
@click.argument("suite")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def show(
    invocation: Invocation,
    suite: str,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Show the tasks of a suite, without their tests and solutions."""
    from tamma.cli.benching import telling
    from tamma.cli.benching.choosing import suite_named

    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        found = await suite_named(store, suite)
    if as_json:
        output.json_document(telling.suite_json(found))
        return
    output.data(f"{found.name}  {len(found.tasks)} tasks  {telling.short(found.hash)}  {found.description}")
    output.data()
    output.table(telling.TASK_HEADS, [telling.task_row(task) for task in found.tasks])


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


# --- benchmarks ----------------------------------------------------------------------------------


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
    from tamma.cli.benching import running
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
            _show_record(record, as_json=as_json, verb="started")
            return
        output.note(f"benchmark {request.bench_id}: {request.cells} trials")
        record = await running.follow(link.client, store, record)
        found_report = await _report(store, record)
    _print_report(found_report, "json" if as_json else "text")


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
    from tamma.cli.benching.choosing import bench_named
    from tamma.cli.benching.running import look

    if as_json + as_csv + as_markdown > 1:
        raise click.UsageError("give one of --json, --csv and --markdown")
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        record, _ = await look(link.client, await bench_named(store, bench))
        found = await _report(store, record)
    form = "json" if as_json else "csv" if as_csv else "markdown" if as_markdown else "text"
    _print_report(found, form)


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


def _print_report(found: BenchReport, form: str) -> None:
    from tamma.cli.benching import reporting

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


def _show_record(record: BenchRecord, *, as_json: bool, verb: str) -> None:
    from tamma.cli.benching import telling

    if as_json:
        output.json_document(telling.bench_json(record))
        return
    request = record.request
    output.data(request.bench_id)
    output.note(f"{verb}: {request.cells} trials of {', '.join(arm.label for arm in request.arms)}")
    output.note(f"hint: `tamma bench status {request.bench_id[-8:]} --watch` follows it")
