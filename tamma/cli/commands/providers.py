"""`tamma providers`: which services there are, what they can do, and whether they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig

NAME = click.argument("name", required=False)


@click.group()
def command() -> None:
    """List, show and test the AI providers.

    A provider is an entry of `providers.available`; a type is what it speaks.
    """


@command.command(name="list")
@click.option("--types", is_flag=True, help="The types that an entry may have, plugins among them.")
@json_option
@click.pass_obj
def list_them(invocation: Invocation, types: bool, as_json: bool) -> None:
    """List the configured providers; asks none of them."""
    from tamma.cli.providing import sheets

    if types:
        _log(invocation)  # plugins are started to be looked at, and that is logged
    loaded = invocation.load()
    rows = sheets.types() if types else sheets.entries(loaded)
    if as_json:
        output.json_document(rows)
        return
    _table(rows)


@command.command()
@NAME
@click.option("--model", help="Another model than the entry's own.")
@json_option
@click.pass_obj
@asynchronous
async def show(invocation: Invocation, name: str | None, model: str | None, as_json: bool) -> None:
    """Show one provider: its settings, what its model can do and costs. Makes no call to a service."""
    from tamma.cli.providing import sheets

    loaded = invocation.load()
    sheet = await sheets.provider(loaded, name or loaded.config.providers.default, model)
    if as_json:
        output.json_document(sheet)
        return
    told = sheets.flat(sheet)
    width = max(len(key) for key in told)
    for key, value in told.items():
        output.data(f"{key:<{width}}  {sheets.words(value)}")


@command.command()
@NAME
@json_option
@click.pass_obj
@asynchronous
async def models(invocation: Invocation, name: str | None, as_json: bool) -> None:
    """List the models that a provider offers now, with their windows and prices."""
    from tamma.cli.providing import sheets

    _log(invocation)
    loaded = invocation.load()
    rows = await sheets.models(loaded, name or loaded.config.providers.default)
    if as_json:
        output.json_document(rows)
    elif rows:
        _table(rows)
    else:
        output.note("the service does not list its models")


@command.command()
@NAME
@click.option("--all", "everything", is_flag=True, help="Every entry that has what it needs.")
@click.option("--model", help="Another model than the entry's own.")
@click.option("--prompt", default="Say hello in one short sentence.", show_default=True, help="What to say.")
@click.option("--check", "only_check", is_flag=True, help="Only see whether the key is taken; costs nothing.")
@json_option
@click.pass_obj
@asynchronous
async def test(
    invocation: Invocation,
    name: str | None,
    everything: bool,
    model: str | None,
    prompt: str,
    only_check: bool,
    as_json: bool,
) -> None:
    """Say hello to a provider, and print its answer, how long it took and what it cost.

    Ends with 0 if every one answered, 4 if a key is missing or refused, 2 if the configuration is wrong
    or something is not installed, 1 otherwise. With -v it says what was left out of the request, too.
    """
    from tamma.cli.providing import trial

    _log(invocation)
    loaded = invocation.load()
    if everything and name:
        raise click.UsageError("give a name or --all, not both")
    names = _usable(loaded) if everything else [name or loaded.config.providers.default]
    show = None if as_json else trial.Teller()
    outcomes = [
        await trial.run(loaded, each, model=model, prompt=prompt, only_check=only_check, show=show)
        for each in names
    ]
    if as_json:
        output.json_document([outcome.as_json() for outcome in outcomes])
    code = max((outcome.exit_code for outcome in outcomes), default=0)
    if code:
        raise click.exceptions.Exit(code)


def _log(invocation: Invocation) -> None:
    """Whoever waits for an answer is spared the log of how it was asked for."""
    from tamma.telemetry.logs import configure_logging

    configure_logging("debug" if invocation.debug else "warn" if invocation.verbose else "error")


def _usable(loaded: LoadedConfig) -> list[str]:
    """The entries with what they need; the others are named on standard error."""
    from tamma.config.resolve import usable_provider
    from tamma.errors import AuthFailed, ConfigError

    names: list[str] = []
    for entry in loaded.config.providers.available:
        try:
            usable_provider(loaded, entry.provider_id)
        except (AuthFailed, ConfigError) as error:
            output.note(f"left out: {error}")
        else:
            names.append(entry.provider_id)
    return names


def _table(rows: list[dict[str, object]]) -> None:
    from tamma.cli.providing.sheets import words

    heads = [key.upper() for key in rows[0]]
    output.table(heads, [[words(value) for value in row.values()] for row in rows])
