"""`tamma patch`: what a run suggests, as a file for `git apply`."""

from __future__ import annotations

from pathlib import Path

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options


@click.command()
@run_argument
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there instead of standard output.",
)
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    file: Path | None,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Print the newest patch of a manual-assist run: the one that waits for your word, that was suggested, or
    that was left when the run ended.

    \b
    Take it over with
      tamma patch TASK > suggestion.patch && git apply --3way suggestion.patch

    It is exact, binary files and file modes included. On a terminal control characters are replaced; read it
    from a file there. --json says what it is and has the text, where it is text.
    """
    from tamma.cli import patching, shapes
    from tamma.cli.inspecting import reading

    async with invocation.link(temporal_address, database_url) as link, link.store() as store:
        about = await reading.subject(link, store, task, issue_file)
        patch, suggested = await patching.newest(store, about.task_id)
        content = await store.get_blob(patch.blob)
    if file is not None:
        output.file(file, content)
        output.note(f"written: {file}")
    if as_json:
        output.json_document(shapes.patch_document(about.task_id, patch, content, suggested=suggested))
    elif file is None:
        output.exact(content)
        if output.terminal():
            output.note(
                f"{patch.stage}, on {patch.base_sha[:12]}{'' if suggested else '; not suggested yet'}"
            )
