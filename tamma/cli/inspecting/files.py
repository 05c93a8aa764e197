"""Files of `tamma inspect`: new ones are their owner's alone, because a transcript may hold private code."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tamma.cli.inspecting import export as own
from tamma.cli.inspecting import mini_swe_agent
from tamma.cli.inspecting.steps import Trajectory
from tamma.errors import ConfigError

_OWNER_ONLY = 0o600


def export(told: Trajectory, file: Path, form: str) -> None:
    """The trajectory as JSON, `tamma`'s own or `mini-swe-agent`'s. Raises ConfigError."""
    made = mini_swe_agent.document(told) if form == "mini-swe-agent" else own.document(told)
    write(file, json.dumps(made, indent=2, ensure_ascii=False) + "\n")


def write(file: Path, text: str) -> None:
    """Write or replace a file; a new one is its owner's alone. Raises ConfigError where that fails."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        # Half a character, which models do write, becomes the escape that JSON has for it.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigError(
            f"{str(file)!r} cannot be written: {error.strerror}", hint="name a file in a folder that exists"
        ) from error
