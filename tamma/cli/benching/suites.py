"""`tamma bench import`, `from-history` and `show`: suites, before anybody is tried on them."""

from __future__ import annotations

from pathlib import Path

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)


@click.command(name="import")
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
    from tamma.cli.benching import importing, showing, telling
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
            showing.show_record(record, as_json=as_json, verb="imported")
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


@click.command(name="from-history")
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


@click.command()
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
