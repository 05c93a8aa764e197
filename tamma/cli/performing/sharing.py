"""`tamma perf share`: what others may learn from, written to a file. Nothing is sent anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option
from tamma.errors import ConfigError


@click.command()
@click.option("--preview", is_flag=True, help="Print the bytes that --export would write.")
@click.option(
    "--export", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write them to a file."
)
@click.option("--month", metavar="YYYY-MM", help="A month that is over.  [default: the last one]")
@database_option
@click.pass_obj
@asynchronous
async def share(
    invocation: Invocation, preview: bool, file: Path | None, month: str | None, database_url: str | None
) -> None:
    """Write sums of a month's runs, with noise, that tell nothing of any one repository. Off by default.

    No name, prompt, repository or id is in it, and groups of few runs or repositories are left out. A month
    is drawn once: the same bytes come out however often it is asked for. docs/privacy.md says the rest.
    """
    from tamma.analysis.sharing.document import Terms
    from tamma.analysis.sharing.ledger import last_month, release_of
    from tamma.cli.storing import stored

    if preview == (file is not None):
        raise ConfigError("either --preview or --export FILE", hint="look at the preview first")
    loaded = invocation.load(database_url=database_url)
    config = loaded.config.sharing
    if not config.enabled:
        raise ConfigError(
            "sharing is off, and nothing was computed",
            hint='`"sharing": {"enabled": true}` in the configuration allows it; read docs/privacy.md first',
        )
    now = datetime.now(UTC)
    async with stored(loaded, invocation.progress) as store:
        found = await release_of(
            store,
            month or last_month(now),
            Terms(config.epsilon, config.min_group),
            total_epsilon=config.total_epsilon,
            now=now,
        )
    if preview:
        click.echo(found.content.decode(), nl=False)
    else:
        assert file is not None
        output.file(file, found.content)
        output.note(f"written: {file}; nothing was sent anywhere")
    drawn = "drawn before" if found.drawn_before else "drawn now, and kept"
    output.note(
        f"{found.month}: epsilon {found.epsilon:g}, {drawn}; all releases so far: {found.spent:g} of at most "
        f"{config.total_epsilon:g}"
    )
