"""Options that several commands share, and running their coroutines."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def asynchronous(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Run a command's coroutine. Ctrl-C cancels it and arrives as KeyboardInterrupt."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(function(*args, **kwargs))

    return run


database_option = click.option(
    "--database-url", metavar="URL", help="PostgreSQL from outside. Better: the variable DATABASE_URL."
)


def server_options(command: F) -> F:
    """Servers from outside instead of the embedded ones."""
    command = database_option(command)
    return click.option("--temporal-address", metavar="HOST:PORT", help="A Temporal server from outside.")(
        command
    )


def run_argument(command: F) -> F:
    """The run that a command is about."""
    command = click.option(
        "--issue", "issue_file", metavar="FILE", help="The issue's file, where TASK is a path."
    )(command)
    return click.argument("task")(command)


json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
