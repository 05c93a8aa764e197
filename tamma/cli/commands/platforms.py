"""`tamma platforms`: which Git platforms there are, whether they know us, and what reports to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option
from tamma.model.references import PLAIN_GIT

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig

NAME = click.argument("name", required=False)


@click.group()
def command() -> None:
    """List, detect and test the Git platforms.

    A platform is an entry of `platforms.available`: an account on a server. A type is what it speaks.
    """


@command.command(name="list")
@click.option("--types", is_flag=True, help="The types that an entry may have, plugins among them.")
@json_option
@click.pass_obj
def list_them(invocation: Invocation, types: bool, as_json: bool) -> None:
    """List the configured accounts; asks none of them."""
    from tamma.cli.platforming import sheets

    if types:
        _log(invocation)  # plugins are started to be looked at, and that is logged
    loaded = invocation.load()
    rows = sheets.types() if types else sheets.entries(loaded, _default(loaded))
    if as_json:
        output.json_document(rows)
        return
    _table(rows)


@command.command()
@click.argument("url")
@click.option("--offline", is_flag=True, help="Ask no server what it is.")
@json_option
@click.pass_obj
@asynchronous
async def detect(invocation: Invocation, url: str, offline: bool, as_json: bool) -> int:
    """Say which platform and which account the address of a repository, an issue or a pull request means.

    A server that nobody configured is asked what it is, without any credentials; its answer is kept for a
    day. Ends with 1 where nobody knows.
    """
    from tamma.cli.linking import accounts
    from tamma.cli.platforming import sheets
    from tamma.platforms import detection
    from tamma.platforms.probing import Probe

    _log(invocation)
    loaded = invocation.load()
    known, _ = accounts(loaded)
    found = await detection.detect(
        url,
        known,
        claims=detection.plugin_that_claims,
        probe=None if offline else Probe(loaded.home / "cache"),
    )
    row = sheets.detected(url, found)
    if as_json:
        output.json_document(row)
    else:
        _lines(row)
    return 0 if found.type else 1


@command.command()
@NAME
@click.option("--all", "everything", is_flag=True, help="Every account that has credentials.")
@click.option("--repo", "repository", metavar="OWNER/NAME", help="Look at this repository, too.")
@json_option
@click.pass_obj
@asynchronous
async def test(
    invocation: Invocation, name: str | None, everything: bool, repository: str | None, as_json: bool
) -> int:
    """Ask a platform who it takes us for, what that may do, and what the server can.

    Ends with 0 if every one answered, 4 if credentials are missing or refused, 2 if the configuration is
    wrong, 1 otherwise. Warns of tokens that end within two weeks.
    """
    from tamma.cli.platforming import trial

    _log(invocation)
    loaded = invocation.load()
    if everything and name:
        raise click.UsageError("give a name or --all, not both")
    if everything and repository:
        raise click.UsageError("--repo goes with one account")
    if repository is not None and "/" not in repository.strip("/"):
        raise click.UsageError(f"--repo {repository!r} is no repository; write it as owner/name")
    names = _with_credentials(loaded) if everything else [name or _default(loaded)]
    outcomes = [await trial.run(loaded, each, repository) for each in names]
    if as_json:
        output.json_document([outcome.as_json() for outcome in outcomes])
    for outcome in () if as_json else outcomes:
        output.data(f"{outcome.name} ({outcome.type}): {'ok' if outcome.ok else 'failed'}")
        for line in outcome.lines():
            output.data(line)
        if outcome.hint:
            output.note(f"hint: {outcome.hint}")
        if outcome.warning:
            output.note(f"warning: {outcome.warning}")
    return max((outcome.exit_code for outcome in outcomes), default=0)


@command.command()
@NAME
@click.option("--url", "public", metavar="PUBLIC_URL", help="Where the platform reaches your gateway.")
@click.option("--show-secret", is_flag=True, help="Print the secret itself, and not where it is.")
@click.option("--new-secret", is_flag=True, help="Print a fresh secret; you put it in place.")
@json_option
@click.pass_obj
def webhooks(
    invocation: Invocation,
    name: str | None,
    public: str | None,
    show_secret: bool,
    new_secret: bool,
    as_json: bool,
) -> None:
    """Say what to fill in so that a platform reports to Tamma. Changes nothing there."""
    from secrets import token_urlsafe

    from tamma.cli.platforming import hooks
    from tamma.config.resolve import platform_entry, settings_for_platform

    loaded = invocation.load()
    entry = platform_entry(loaded, name or _default(loaded))
    form, url = hooks.form_of(entry.platform_type), hooks.address(public, entry.platform_id)
    fresh = token_urlsafe(32) if new_secret else None
    references = list(entry.webhook_secret)
    shown = fresh or (f"what {references[0]} holds" if references else "none is configured yet")
    if show_secret and not fresh:
        found = settings_for_platform(loaded, entry.platform_id).webhook_secrets
        shown = found[0] if found else shown
    if as_json:
        output.json_document(
            {
                "name": entry.platform_id,
                "type": entry.platform_type,
                "url": url,
                "contentType": form.content_type,
                "secretField": form.field,
                "secretReferences": references,
                "secret": shown if fresh or show_secret else None,
                "events": list(form.events),
                "where": form.where,
            }
        )
        return
    for line in hooks.steps(form, url, shown):
        output.data(line)
    if fresh or not references:
        output.note(
            f'hint: keep it, e.g. in a variable, and set "webhookSecret" of {entry.platform_id!r} to its '
            'reference; ["env:NEW", "env:OLD"] takes both while you change it'
        )
    if not fresh and not references:
        output.note(f"hint: `tamma platforms webhooks {entry.platform_id} --new-secret` makes one")


def _default(loaded: LoadedConfig) -> str:
    from tamma.cli.linking import accounts

    return accounts(loaded)[1]


def _log(invocation: Invocation) -> None:
    """Whoever waits for an answer is spared the log of how it was asked for."""
    from tamma.telemetry.logs import configure_logging

    configure_logging("debug" if invocation.debug else "info" if invocation.verbose else "error")


def _with_credentials(loaded: LoadedConfig) -> list[str]:
    """The accounts that can be asked who we are; the others are named on standard error."""
    from tamma.config.resolve import settings_for_platform
    from tamma.errors import BadCredentials

    names: list[str] = []
    for entry in loaded.config.platforms.available:
        if entry.platform_type == PLAIN_GIT:
            continue
        try:
            settings = settings_for_platform(loaded, entry.platform_id)
        except BadCredentials as error:
            output.note(f"left out: {error}")
            continue
        if settings.token or settings.oauth or settings.app or entry.platform_type == "memory":
            names.append(entry.platform_id)
        else:
            output.note(f"left out: {entry.platform_id!r} has no credentials")
    return names


def _lines(row: dict[str, object]) -> None:
    import json

    width = max(len(key) for key in row)
    for key, value in row.items():
        if value is not None:
            told = json.dumps(value) if isinstance(value, dict) else value
            output.data(f"{key:<{width}}  {told}")


def _table(rows: list[dict[str, object]]) -> None:
    from tamma.cli.providing.sheets import words

    heads = [key.upper() for key in rows[0]]
    output.table(heads, [[words(value) for value in row.values()] for row in rows])
