"""`tamma ab`: A/B tests of two versions of agents."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tamma.cli import output
from tamma.cli.abtesting.options import plan_options
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.cli.abtesting.planning import Ready
    from tamma.temporal.ab_tests import Word

TEST = click.argument("test")


@click.group()
def command() -> None:
    """Test whether a change of an agent is better, before it is used.

    TEST is a test's name, its id, or the first characters of it.
    """


@command.command()
@plan_options
@json_option
@server_options
@click.pass_obj
@asynchronous
async def plan(
    invocation: Invocation,
    given: dict[str, object],
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Show what a test would need, find and cost. Nothing is started, nothing is kept."""
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        from tamma.cli.abtesting.planning import ready

        _show(await ready(store, given), as_json=as_json)


@command.command()
@plan_options
@click.option("--yes", is_flag=True, help="Start without asking.")
@click.option("--watch", "watching", is_flag=True, help="Follow it.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def start(
    invocation: Invocation,
    given: dict[str, object],
    yes: bool,
    watching: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Start a test, after showing what it needs, finds and costs."""
    loaded = invocation.load(temporal_address, database_url)
    linked = invocation.link(temporal_address, database_url, loaded=loaded, fresh_worker=True)
    async with linked as link, link.store() as store:
        from tamma.cli import gates
        from tamma.cli.abtesting.following import follow
        from tamma.cli.abtesting.planning import forecast_lines, ready
        from tamma.cli.arms import check_arms
        from tamma.model.ab_run import ABTestStart
        from tamma.temporal.ab_tests import start_test

        made = await ready(store, given)
        pins = (made.plan.control, made.plan.candidate)
        await check_arms(store, loaded, pins, rehearsal=made.forecast.rehearsal)
        for line in forecast_lines(made):
            output.note(line)
        if not yes:
            _confirm()
        accepted = await start_test(link.client, ABTestStart(made.test_id, made.plan, by=gates.person()))
        if watching:
            await follow(link, store, accepted.test_id, as_json=as_json)
        elif as_json:
            output.json_document({"testId": accepted.test_id, "name": made.plan.name, "seed": accepted.seed})
        else:
            output.data(f"started {made.plan.name} ({accepted.test_id})")
            # Quoted: a hint is copied into a shell, and a plan's file may be somebody else's.
            output.note(f"hint: `tamma ab watch {shlex.quote(made.plan.name)}` follows it")


@command.command()
@TEST
@json_option
@server_options
@click.pass_obj
@asynchronous
async def status(
    invocation: Invocation, test: str, as_json: bool, temporal_address: str | None, database_url: str | None
) -> None:
    """Show where a test stands. Works without a worker too, with less to tell."""
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        from tamma.cli.abtesting.standing import lines, standing, standing_json

        found = await standing(link, store, test)
        if as_json:
            output.json_document(standing_json(found))
            return
        for line in lines(found):
            output.data(line)


@command.command()
@TEST
@json_option
@server_options
@click.pass_obj
@asynchronous
async def watch(
    invocation: Invocation, test: str, as_json: bool, temporal_address: str | None, database_url: str | None
) -> None:
    """Follow a test until it ends or waits for an answer; with --json until it ends, as NDJSON."""
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        from tamma.cli.abtesting.following import follow

        await follow(link, store, test, as_json=as_json)


@command.command(name="list")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def list_them(
    invocation: Invocation, as_json: bool, temporal_address: str | None, database_url: str | None
) -> None:
    """List the tests, the newest first."""
    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        from tamma.cli.abtesting.standing import LIST_HEADS, list_row, result_json

        found = await store.list_results()
    if as_json:
        output.json_document([result_json(each) for each in found])
    elif not found:
        output.note("there are no A/B tests yet: `tamma ab plan --help` says how to make one")
    else:
        output.table(LIST_HEADS, [list_row(each) for each in found])


@command.command()
@click.argument("test", required=False)
@click.option("--markdown", "form", flag_value="markdown", help="Markdown on standard output.")
@click.option("--csv", "form", flag_value="csv", help="One row a trial, on standard output.")
@click.option("--json", "form", flag_value="json", help="The whole report as JSON.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="One self-contained file.")
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Everything of the test in one file, to analyse it again elsewhere.",
)
@click.option(
    "--from-bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Report on such a file instead, analysed again; ends with 1 where it comes out otherwise.",
)
@server_options
@click.pass_obj
@asynchronous
async def report(
    invocation: Invocation,
    test: str | None,
    form: str | None,
    html: Path | None,
    bundle: Path | None,
    from_bundle: Path | None,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Show a test's report: the verdict in a sentence, then why."""
    from tamma.cli.abtesting.rendering import show, write_bundle, write_html
    from tamma.cli.abtesting.reporting import bundle_of, report_of, report_of_bundle

    if (test is None) == (from_bundle is None):
        raise ConfigError("name a test, or a file with --from-bundle", hint="`tamma ab list` shows all tests")
    wrong: tuple[str, ...] = ()
    if from_bundle is not None:
        made, wrong = report_of_bundle(from_bundle)
    else:
        assert test is not None
        async with invocation.link(temporal_address, database_url) as link, link.store() as store:
            from tamma.cli.abtesting.standing import find

            test_id = await find(store, test)
            if bundle is not None:
                write_bundle(await bundle_of(store, test_id), bundle)
                output.note(f"written: {bundle}")
            made = await report_of(store, test_id)
    if html is not None:
        write_html(made, html)
        output.note(f"written: {html}")
    if form is not None or (html is None and bundle is None):
        show(made, form)
    for words in wrong:
        output.note(f"error: {words}")
    return 1 if wrong else 0


def _word(word: Word, brief: str) -> None:
    """A command that says one word to a test."""

    @command.command(name=word, help=brief)
    @TEST
    @click.option("--reason", default="", help="Why, for those who read it later.")
    @server_options
    @click.pass_obj
    @asynchronous
    async def say(
        invocation: Invocation,
        test: str,
        reason: str,
        temporal_address: str | None,
        database_url: str | None,
    ) -> None:
        async with invocation.link(temporal_address, database_url) as link, link.store() as store:
            from tamma.cli import gates
            from tamma.cli.abtesting.standing import find
            from tamma.model.ab_run import ABAnswer
            from tamma.temporal.ab_tests import tell

            test_id = await find(store, test)
            reply = await tell(link.client, test_id, word, ABAnswer(gates.person(), reason))
            output.note(reply.message)


_word("approve", "Apply a winner: it becomes the active version, and is watched.")
_word("reject", "Leave the control as it is.")
_word("stop", "End a test now; nothing is applied, what was measured stays.")
_word("pause", "Begin no trial until `tamma ab resume`.")
_word("resume", "Let a paused test go on.")


def _show(made: Ready, *, as_json: bool) -> None:
    from tamma.cli.abtesting.planning import forecast_lines
    from tamma.experiments.report.wire import plain

    if as_json:
        prepared = made.prepared
        shape: dict[str, Any] = {"plan": plain(prepared.plan), "forecast": plain(made.forecast)}
        output.json_document({**shape, "looks": plain(prepared.looks)})
        return
    for line in forecast_lines(made):
        output.data(line)


def _confirm() -> None:
    if not output.interactive():
        raise ConfigError("nobody can be asked here", hint="--yes starts it without asking")
    if not click.confirm("Start it?", err=True):
        raise click.Abort
