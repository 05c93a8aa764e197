"""What one call of the command line works with: its global options, and the way to the servers.

Nothing heavy is imported before it is needed: `tamma --help` must stay quick.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamma.cli import output

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.config.load import LoadedConfig


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options."""

    mode: str | None = None
    config_path: Path | None = None
    verbose: bool = False
    debug: bool = False

    def load(
        self,
        temporal_address: str | None = None,
        database_url: str | None = None,
        *,
        flags: Mapping[str, object] | None = None,
        variables: Mapping[str, str] | None = None,
        project_dir: Path | None = None,
    ) -> LoadedConfig:
        """The configuration with this call's flags on top. Raises ConfigError.

        `variables` are flags too, for what the worker must know: it gets the environment, not the flags.
        """
        from tamma.config.load import load_config

        env = {**os.environ, **(variables or {})}
        if database_url:
            # As a variable: the configuration only ever holds a reference to it, and the worker gets it too.
            env["TAMMA_DATABASE_URL"] = database_url
        given = {"temporal.address": temporal_address, "mode": self.mode, **(flags or {})}
        loaded = load_config(given, env=env, config_path=self.config_path, project_dir=project_dir, keep=True)
        for text in loaded.notes:
            output.note(f"note: {text}")
        return loaded

    @asynccontextmanager
    async def link(
        self,
        temporal_address: str | None = None,
        database_url: str | None = None,
        *,
        loaded: LoadedConfig | None = None,
        fresh_worker: bool = False,
    ) -> AsyncGenerator[Link]:
        """Start or join the servers and connect. Raises ConfigError, StackError.

        `fresh_worker`: the worker must have the configuration and the secrets of this call. Otherwise the
        one that runs is left alone.
        """
        from tamma.cli.linking import connected

        loaded = loaded or self.load(temporal_address, database_url)
        yield await connected(loaded, self.progress, fresh_worker=fresh_worker)

    def progress(self, text: str) -> None:
        """Tell that something takes a moment."""
        output.note(f"{text} …")
