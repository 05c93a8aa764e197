"""`tamma select`: take a repository's issues by label, by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.choosing import chosen, wanted
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options
from tamma.cli.ordering import order
from tamma.cli.selecting.options import Asked, Length, asked_options, rules_of
from tamma.errors import TammaError
from tamma.model.task import AgentChoice

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.cli.linking import Link
    from tamma.config.load import LoadedConfig
    from tamma.model.references import RepoRef
    from tamma.model.selection import SelectionRequest, SelectionView

SILENT_AFTER, LEAVES_AFTER = 8.0, 60.0
"""Seconds without an end of a pass, after which a person is told so; after which the command ends."""

repository = click.argument("repository", metavar="OWNER/REPO")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say which issues would be taken, and why the others not. Take none."
)


@click.group()
def command() -> None:
    """Take a repository's issues by label, by themselves: oldest first, a bounded number at once.

    OWNER/REPO may have its platform before it: gitlab:group/repo. An issue that is taken is assigned to
    Tamma and gets a run, as `tamma submit` begins it. Issues that are assigned to somebody else, that had a
    run, or whose files an open run changes are left. docs/selecting-issues.md says the rest.
    """


@command.command()
@repository
@asked_options
@click.option("--every", type=Length(), help="Time between two looks, from 1m to 7d.  [default: 5m]")
@dry_run_option
@json_option
@server_options
@click.pass_obj
@asynchronous
async def start(
    invocation: Invocation,
    repository: str,
    asked: Asked,
    every: float | None,
    dry_run: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Look at the issues now and from now on: a Temporal Schedule. Again: with these rules instead."""
    loaded = _load(invocation, asked, temporal_address, database_url, every)
    repo = _repository(repository, loaded)
    request = _request(repo, asked, loaded)
    async with invocation.link(loaded=loaded, fresh_worker=True) as link:
        request = await _with_agent(link, request, asked)
        if dry_run:
            return await _one_pass(link.client, replace(request, dry_run=True), as_json=as_json)
        from tamma.temporal import selection

        length = timedelta(seconds=loaded.config.selection.every)
        await selection.start_schedule(link.client, request, length)
        await _show(link.client, repo, as_json=as_json)
    output.note(f"hint: `tamma select status {repository}` says what was taken")
    return 0


@command.command()
@repository
@json_option
@server_options
@click.pass_obj
@asynchronous
async def stop(
    invocation: Invocation,
    repository: str,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Take nothing more. Runs that are open go on to their ends."""
    loaded = invocation.load(temporal_address, database_url)
    repo = _repository(repository, loaded)
    async with invocation.link(loaded=loaded) as link:
        from tamma.temporal import selection

        was = await selection.stop_schedule(link.client, repo)
    if as_json:
        output.json_document({"repository": repo.full_name, "platform": repo.platform_id, "stopped": was})
    elif was:
        output.data(f"{repo.full_name}: nothing more is taken")
        output.note("hint: open runs go on; `tamma list` shows them, `tamma cancel` ends one")
    else:
        output.data(f"{repo.full_name}: nothing was scheduled")


@command.command()
@repository
@json_option
@server_options
@click.pass_obj
@asynchronous
async def status(
    invocation: Invocation,
    repository: str,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Show the rules, the next look, and what the last one took and left."""
    loaded = invocation.load(temporal_address, database_url)
    repo = _repository(repository, loaded)
    async with invocation.link(loaded=loaded) as link:
        await _show(link.client, repo, as_json=as_json)


@command.command("list")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def list_selections(
    invocation: Invocation, as_json: bool, temporal_address: str | None, database_url: str | None
) -> None:
    """List the repositories whose issues are taken by themselves."""
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.temporal import selection

        found = await selection.list_all(link.client)
    from tamma.cli.selecting import telling

    if as_json:
        output.json_document({"selections": [telling.selecting_json(each) for each in found]})
        return
    if not found:
        output.note("nothing is scheduled; `tamma select start OWNER/REPO --label LABEL` does that")
        return
    telling.tell_all(found)


@command.command("run-once")
@repository
@asked_options
@dry_run_option
@json_option
@server_options
@click.pass_obj
@asynchronous
async def run_once(
    invocation: Invocation,
    repository: str,
    asked: Asked,
    dry_run: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Look at the issues once, now. Without options: by the rules that are scheduled, if any are."""
    loaded = _load(invocation, asked, temporal_address, database_url)
    repo = _repository(repository, loaded)
    async with invocation.link(loaded=loaded, fresh_worker=True) as link:
        from tamma.temporal import selection

        scheduled = None if asked.anything else (await selection.show(link.client, repo)).request
        request = scheduled or await _with_agent(link, _request(repo, asked, loaded), asked)
        return await _one_pass(link.client, replace(request, dry_run=dry_run), as_json=as_json)


def _load(
    invocation: Invocation,
    asked: Asked,
    temporal_address: str | None,
    database_url: str | None,
    every: float | None = None,
) -> LoadedConfig:
    flags = {**asked.flags(), "selection.every": every}
    return invocation.load(temporal_address, database_url, flags=flags)


def _repository(text: str, loaded: LoadedConfig) -> RepoRef:
    from tamma.cli.linking import accounts
    from tamma.cli.reference import parse_repository

    known, default = accounts(loaded)
    return parse_repository(text, accounts=known, default=default)


def _request(repo: RepoRef, asked: Asked, loaded: LoadedConfig) -> SelectionRequest:
    """The order of a pass; which version its agent is stands in the store."""
    from tamma.cli.reference import IssueName
    from tamma.model.selection import SelectionRequest

    rules = rules_of(loaded)
    agent = wanted(asked.wishes, loaded)
    named = None if agent is None else AgentChoice(provider="", name=agent)
    made = order(IssueName(repo, ""), None, asked.wishes, loaded, gates.person(), named)
    return SelectionRequest(repo, rules, made, agent or "")


async def _with_agent(link: Link, request: SelectionRequest, asked: Asked) -> SelectionRequest:
    """With the version that the agent is now, so that what is wrong with it is said now. Later runs have the
    one that is active then."""
    if not request.agent_name:
        return request
    async with link.store() as store:
        choice = await chosen(store, request.agent_name, asked.wishes, link.loaded)
    name = request.agent_name if choice.version is not None else ""
    return replace(request, order=replace(request.order, agent=choice), agent_name=name)


async def _one_pass(client: Client, request: SelectionRequest, *, as_json: bool) -> int:
    from tamma.cli.selecting import telling
    from tamma.temporal import selection

    handle, new = await selection.run_once(client, request)
    if not new:
        output.note("a pass over this repository is under way already; this is it")
    view = await _ended(asyncio.ensure_future(selection.outcome(handle)), request)
    if as_json:
        output.json_document(telling.pass_json(view))
    else:
        telling.tell_pass(view)
    return 0


async def _ended(ending: asyncio.Future[SelectionView], request: SelectionRequest) -> SelectionView:
    """The pass at its end. Raises TammaError where that takes too long to wait for."""
    from tamma.cli.reference import IssueName

    repo = IssueName(request.repo, "").label.removesuffix("#")
    try:
        done, _ = await asyncio.wait([ending], timeout=SILENT_AFTER)
        if not done:
            output.note(f"it takes a while; `tamma select status {repo}` says what it waits for …")
            done, _ = await asyncio.wait([ending], timeout=LEAVES_AFTER - SILENT_AFTER)
        if not done:
            raise TammaError(
                f"the pass over {repo} has not ended yet; it goes on by itself",
                hint=f"`tamma select status {repo}` says what it waits for, `tamma dev status` whether there "
                "is a worker",
            )
        return await ending
    finally:
        ending.cancel()
        await asyncio.wait([ending])


async def _show(client: Client, repo: RepoRef, *, as_json: bool) -> None:
    from tamma.cli.selecting import telling
    from tamma.temporal import selection

    found = await selection.show(client, repo)
    if as_json:
        output.json_document(telling.selecting_json(found))
    else:
        telling.tell_selecting(found)
