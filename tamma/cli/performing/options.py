"""The options that commands about performance share: which runs, over which time, in which form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from tamma.analysis.periods import time_range
from tamma.model.analysis import MetricFilter, TimeRange

F = TypeVar("F", bound=Callable[..., Any])

_TYPES = ("code-generation", "code-review", "testing", "documentation", "refactoring")
_KINDS = ("production", "bench", "replay")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which runs, and over which time."""

    time_range: TimeRange
    selected: MetricFilter


def asked_options(command: F) -> F:
    """The options of a time range and of a filter, given to the command as one `asked`."""

    @functools.wraps(command)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        return command(*args, asked=_asked(kwargs), **kwargs)

    wrapped: Any = gathered
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_OPTIONS = (
    click.option("--since", metavar="LENGTH", help="The last 36h, 7d, 4w or 3m.  [default: 7d]"),
    click.option("--from", "start", metavar="DAY", help="From this day or moment on."),
    click.option("--to", "end", metavar="DAY", help="Until then, not included.  [default: now]"),
    click.option("--last-week", is_flag=True, help="The last whole week, from Monday, in UTC."),
    click.option("--repo", "repos", multiple=True, metavar="OWNER/NAME", help="Only this repository."),
    click.option("--task-type", "types", multiple=True, type=click.Choice(_TYPES), help="Only this type."),
    click.option("--model", "models", multiple=True, help="Only runs of this model."),
    click.option("--provider", "providers", multiple=True, help="Only runs of this provider entry."),
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(_KINDS),
        help="Why the run was made; replay: trials of A/B tests.  [default: production]",
    ),
)

json_form = click.option("--json", "form", flag_value="json", help="JSON on standard output.")
csv_form = click.option("--csv", "form", flag_value="csv", help="CSV on standard output.")
markdown_form = click.option("--markdown", "form", flag_value="markdown", help="Markdown on standard output.")


def form_options(command: F) -> F:
    """In which form it is shown; a table, unless one is chosen."""
    return json_form(csv_form(markdown_form(command)))


def _asked(kwargs: dict[str, Any]) -> Asked:
    found = time_range(
        datetime.now(UTC),
        since=kwargs.pop("since"),
        start=kwargs.pop("start"),
        end=kwargs.pop("end"),
        last_week=kwargs.pop("last_week"),
    )
    selected = MetricFilter(
        repos=kwargs.pop("repos"),
        task_types=kwargs.pop("types"),
        kinds=kwargs.pop("kinds") or ("production",),
        models=kwargs.pop("models"),
        providers=kwargs.pop("providers"),
    )
    return Asked(found, selected)
