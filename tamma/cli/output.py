"""Standard output for data, standard error for everything else."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from tamma.errors import ConfigError

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls but line breaks and tabs, and what turns the direction of writing."""


def shown(text: str) -> str:
    """Text of services, models and repositories for a terminal, which it must not steer."""
    return _STEERING.sub("\ufffd", text.replace("\r\n", "\n"))


def data(text: str = "") -> None:
    """A line of what the command was asked for; whole where a program reads it."""
    click.echo(shown(text) if terminal() else text)


def exact(content: bytes) -> None:
    """Bytes as they are, where a program reads them; on a terminal as `data`."""
    if terminal():
        data(content.decode("utf-8", "replace").rstrip("\n"))
    else:
        click.echo(content, nl=False)


def note(text: str) -> None:
    """A line for the person at the terminal."""
    click.echo(shown(text), err=True)


def json_document(value: object) -> None:
    """One indented JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def json_line(value: object) -> None:
    """One line of NDJSON, flushed: a reader of a stream wants it now."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal, lines with tabs elsewhere."""
    if terminal():
        from tamma.cli.render import print_table

        print_table(tuple(heads), [tuple(row) for row in rows])
        return
    for row in (heads, *rows):
        data("\t".join(row))


def file(path: Path, content: bytes) -> None:
    """A file that was asked for. Raises ConfigError where it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def interactive() -> bool:
    """Whether a person sits at both ends: may be asked, and sees a display that is redrawn."""
    return sys.stdin.isatty() and live_terminal()


def terminal() -> bool:
    """Whether standard output is looked at, and not read by a program."""
    return sys.stdout.isatty()


def live_terminal() -> bool:
    """Whether standard output can be redrawn in place. `TERM=dumb` and CI logs cannot."""
    return terminal() and os.environ.get("TERM", "") not in ("", "dumb") and not os.environ.get("CI")
