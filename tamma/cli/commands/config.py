"""`tamma config`: what is configured, and where it comes from."""

from __future__ import annotations

import json

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import json_option


@click.group()
def command() -> None:
    """Show, check and locate the configuration.

    Flags win over TAMMA_* variables, these over a project's .tamma.json, that over ~/.tamma/config.json.
    """


@command.command()
@click.option("--origin", is_flag=True, help="Say for every value where it comes from.")
@json_option
@click.pass_obj
def show(invocation: Invocation, origin: bool, as_json: bool) -> None:
    """Show the configuration in force, without secrets."""
    from tamma.config.redact import redacted, redacted_values

    loaded = invocation.load()
    if not origin:
        output.json_document(redacted(loaded))
        return
    rows = redacted_values(loaded)
    if as_json:
        output.json_document([{"path": path, "value": value, "origin": where} for path, value, where in rows])
        return
    width = max(len(path) for path, _, _ in rows)
    for path, value, where in rows:
        output.data(f"{path:<{width}}  {json.dumps(value, ensure_ascii=False)}  ({where})")


@command.command()
@click.pass_obj
def validate(invocation: Invocation) -> None:
    """Check the configuration: its form, every entry of providers and platforms, and that what it refers to
    is there.

    Asks no service: `tamma providers test` and `tamma platforms test` do.
    """
    from tamma.cli.platforming import checking as platforms
    from tamma.cli.providing.checking import problems
    from tamma.config.resolve import database_url, settings_for_provider, temporal_settings
    from tamma.errors import ConfigError
    from tamma.telemetry.logs import configure_logging

    configure_logging("debug" if invocation.debug else "error")  # entries of plugins start their processes
    loaded = invocation.load()
    if found := problems(loaded):
        raise ConfigError(
            "the configuration is wrong: " + "; ".join(found),
            hint="`tamma providers show NAME` shows an entry, docs/providers what it may hold",
        )
    if found := platforms.problems(loaded):
        raise ConfigError(
            "the configuration is wrong: " + "; ".join(found),
            hint="`tamma platforms list --types` lists the types, docs/accounts.md has an example of each",
        )
    settings_for_provider(loaded)
    database_url(loaded)
    temporal_settings(loaded)
    for missing in platforms.unset(loaded):
        output.note(f"note: {missing}")
    read = ", ".join(str(file) for file in loaded.files) or "no file, defaults and variables alone"
    output.note(f"valid: {read}")


@command.command()
@click.pass_obj
def path(invocation: Invocation) -> None:
    """Print where the user's configuration file is, or would be."""
    output.data(str(invocation.load().user_file))
