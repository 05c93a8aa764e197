"""Standard output for data, standard error for everything else."""

from __future__ import annotations

import json
import os
import sys

import click


def data(text: str = "") -> None:
    """A line of what the command was asked for."""
    click.echo(text)


def note(text: str) -> None:
    """A line for the person at the terminal."""
    click.echo(text, err=True)


def json_document(value: object) -> None:
    """One indented JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def json_line(value: object) -> None:
    """One line of NDJSON, flushed: a reader of a stream wants it now."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()


def interactive() -> bool:
    """Whether a person sits at both ends: may be asked, and sees a display that is redrawn."""
    return sys.stdin.isatty() and live_terminal()


def terminal() -> bool:
    """Whether standard output is looked at, and not read by a program."""
    return sys.stdout.isatty()


def live_terminal() -> bool:
    """Whether standard output can be redrawn in place. `TERM=dumb` and CI logs cannot."""
    return terminal() and os.environ.get("TERM", "") not in ("", "dumb") and not os.environ.get("CI")
