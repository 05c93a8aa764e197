"""`tamma inspect`: a run step by step, on the terminal, as JSON, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.cli.inspecting.steps import Trajectory

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@run_argument
@click.option("--step", type=click.IntRange(min=1), metavar="N", help="One step in full.")
@click.option("--full", is_flag=True, help="Every step in full: all words, calls and results.")
@click.option("--diff", "diffs", is_flag=True, help="What each step changed, too.")
@click.option("--export", type=_FILE, metavar="FILE", help="Write everything into a JSON file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tamma", "mini-swe-agent"]),
    help="The form of --export.  [default: tamma]",
)
@click.option("--html", type=_FILE, metavar="FILE", help="Write one self-contained page.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    step: int | None,
    full: bool,
    diffs: bool,
    export: Path | None,
    form: str | None,
    html: Path | None,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Read a run step by step: what the model said and called, what came of it, tokens, time, cost and the
    diffs that it made.

    TASK may be a trial, too: trial/TEST/ARM/TASK/N, its task id, or its run id. --json has everything in one
    document, nothing shortened (with --step that step); so has the file of --export.
    """
    if form is not None and export is None:
        raise ConfigError("--format says how --export writes, and there is none", hint="add --export FILE")
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli.inspecting import reading

        async with link.store() as store:
            told = await reading.read(store, await reading.subject(link, store, task, issue_file))
    _write(told, export, form or "tamma", html)
    if as_json:
        from tamma.cli.inspecting import export as forms
        from tamma.cli.inspecting.telling import find

        output.json_document(forms.document(told) if step is None else forms.one(find(told, step)))
    elif step is not None or full or diffs or (export is None and html is None):
        _tell(told, step, full=full, diffs=diffs)


def _write(told: Trajectory, export: Path | None, form: str, html: Path | None) -> None:
    if export is not None:
        from tamma.cli.inspecting import files

        files.export(told, export, form)
        output.note(f"written: {export}")
    if html is not None:
        from tamma.cli.inspecting import files
        from tamma.cli.inspecting.page import to_html

        files.write(html, to_html(told))
        output.note(f"written: {html}")


def _tell(told: Trajectory, step: int | None, *, full: bool, diffs: bool) -> None:
    from tamma.cli.inspecting import telling

    if step is not None:
        lines = telling.one(telling.find(told, step), diffs=diffs)
    elif not told.steps:
        output.note("no model has been called yet")
        return
    else:
        lines = telling.in_full(told, diffs=diffs) if full else telling.overview(told, diffs=diffs)
    for line in lines:
        output.data(line)
    if diffs and step is None and telling.without_diffs(told):
        output.note(telling.NO_DIFFS)
