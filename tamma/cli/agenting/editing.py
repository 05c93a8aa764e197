"""Editing an agent as files, in the user's editor."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from tamma.agents.configs.folder import read_folder, write_folder
from tamma.agents.configs.manager import Found
from tamma.cli import output
from tamma.cli.agenting.wizard import ask_whether
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig


@asynccontextmanager
async def edited(found: Found) -> AsyncGenerator[AgentConfig]:
    """A version's files as they are after $EDITOR, to be made a new version of.

    They are removed when that is done. Where it fails they stay, and where they are is said: an hour's work
    on a prompt must not be lost because somebody else was quicker. Raises ConfigError.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"tamma-{found.agent.name}-"))
    head = f"{found.label}. Save and leave the editor to make a new version; leave all as it is to make none."
    write_folder(folder, found.agent.name, found.version.config, head=head)
    changed = True
    try:
        config = await _edit(folder)
        changed = config != found.version.config
        yield config
    except BaseException:
        if changed:
            output.note(f"your files are in {str(folder)!r}: `tamma agent import` reads them")
        else:
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


async def _edit(folder: Path) -> AgentConfig:
    """Open the files until they can be read, or the person gives up."""
    files = [folder / "agent.yaml", *sorted((folder / "prompts").glob("*.md"))]
    while True:
        click.edit(filename=[str(file) for file in files])
        try:
            return read_folder(folder).config
        except ConfigError as error:
            output.note(f"error: {error}" + (f" ({error.hint})" if error.hint else ""))
            if not await ask_whether("Edit it again?", default=True):
                raise ConfigError("no version was made") from error
