"""Editing an agent as files, in the user's editor."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from tamma.agents.configs.folder import read_folder, write_folder
from tamma.agents.configs.manager import Found
from tamma.cli import output
from tamma.cli.agenting.wizard import ask_whether
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig


async def edit(found: Found) -> AgentConfig:
    """Open a version's files in $EDITOR, and read them again; as often as the person likes while they cannot
    be read. Raises ConfigError, and leaves the files where they are then."""
    folder = Path(tempfile.mkdtemp(prefix=f"tamma-{found.agent.name}-"))
    head = f"{found.label}. Save and leave the editor to make a new version; leave all as it is to make none."
    write_folder(folder, found.agent.name, found.version.config, head=head)
    files = [folder / "agent.yaml", *sorted((folder / "prompts").glob("*.md"))]
    while True:
        click.edit(filename=[str(file) for file in files])
        try:
            config = read_folder(folder).config
        except ConfigError as error:
            output.note(f"error: {error}" + (f" ({error.hint})" if error.hint else ""))
            if not await ask_whether("Edit it again?", default=True):
                raise ConfigError("no version was made", hint=f"your files are in {str(folder)!r}") from error
            continue
        shutil.rmtree(folder)
        return config
