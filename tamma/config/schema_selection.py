"""The configuration of the selection of issues."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tamma.config.section import Section

Span = Annotated[float, Field(ge=0, le=31_536_000)]


class SelectionConfig(Section):
    """Which issues `tamma select` takes by itself, unless the command says otherwise: see
    docs/selecting-issues.md."""

    labels: tuple[str, ...] = ()
    """Labels that an issue must have, all of them."""
    any_issue: bool = False
    """Take issues without asking for a label. Whoever may open an issue then begins runs that you pay for."""
    exclude_labels: tuple[str, ...] = ("needs-human-review",)
    """Labels that an issue must not have, any of them."""
    every: Annotated[float, Field(ge=60, le=604_800)] = 300.0
    """Seconds between two looks at the issues."""
    concurrency: Annotated[int, Field(ge=1, le=100)] = 1
    """Open runs of a repository, whoever began them, beyond which none is begun."""
    cool_down: Span = 0.0
    """Seconds from the last beginning or end of a run of the repository to the next beginning."""
    most: Annotated[int, Field(ge=1, le=100)] = 5
    """Issues that one look takes at most. With a cool-down it takes one."""
    most_a_day: Annotated[int, Field(ge=1, le=1000)] = 20
    """Runs of the repository that begin within 24 hours at most."""
    retry_after: Span = 86_400.0
    """Seconds after which an issue whose run failed may be taken again."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 2
    """Failed runs after which an issue is left to people."""
