"""The reference of the command line, from Click's own help: a block of `docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tamma.cli.main import cli

WIDTH = 88


def root() -> click.Context:
    """The context of `tamma` itself, with the settings a real call has.

    Click keeps the help option of whichever context asked for it first in a process, so a context
    without them would print, here or elsewhere, what no user sees.
    """
    names = cli.context_settings["help_option_names"]
    return click.Context(cli, info_name="tamma", terminal_width=WIDTH, help_option_names=names)


def reference() -> str:
    """Every command's help, as Markdown."""
    sections: list[str] = []
    for ctx in contexts(root()):
        with ctx:
            sections.append(f"### {ctx.command_path}\n\n```text\n{ctx.get_help()}\n```")
    return "\n\n".join(sections)


def contexts(parent: click.Context) -> Iterator[click.Context]:
    """`parent` and all commands below it, a group before its commands."""
    yield parent
    command = parent.command
    if isinstance(command, click.Group):
        for name in command.list_commands(parent):
            child = command.get_command(parent, name)
            if child is not None:
                yield from contexts(click.Context(child, info_name=name, parent=parent, terminal_width=WIDTH))
