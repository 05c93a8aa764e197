"""The reference of the command line, from Click's own help: a block of `docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tamma.cli.main import cli

WIDTH = 88


def reference() -> str:
    """Every command's help, as Markdown."""
    # With the command's own settings, as a real call has them: Click keeps the help option of
    # whichever context came first, so another one here would print what no user sees.
    root = click.Context(cli, info_name="tamma", **{**cli.context_settings, "terminal_width": WIDTH})
    sections: list[str] = []
    for ctx in contexts(root):
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
