"""Moments at which something about an agent is known to have changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tamma.model.measured import RunValues
from tamma.store.interface import Event

ACTIVATED, ROLLED_BACK = "agent.activated", "agent.rolled_back"


@dataclass(frozen=True, slots=True)
class Boundary:
    """The moment, which belongs to what comes after, and what happened, in words."""

    at: datetime
    words: str


def boundaries(events: Iterable[Event], runs: Sequence[RunValues]) -> tuple[Boundary, ...]:
    """An agent's boundaries within its runs, oldest first: versions that became active, and models that began
    to answer where others had answered before. Those before the first run or after the last bound nothing."""
    if not runs:
        return ()
    found = [*_activations(events), *served_changes(runs)]
    return tuple(
        sorted(
            (each for each in found if runs[0].ended_at < each.at <= runs[-1].ended_at), key=lambda b: b.at
        )
    )


def served_changes(runs: Iterable[RunValues]) -> tuple[Boundary, ...]:
    """Where a model that was asked for answered under a name that it had not had before: a changed alias."""
    seen: dict[tuple[str, str], set[str]] = {}
    found: list[Boundary] = []
    for run in runs:
        known = seen.setdefault((run.provider, run.model), set())
        new = [name for name in run.served_models if name not in known]
        if new and known:
            before = ", ".join(sorted(known))
            words = f"{run.model or run.provider} answered as {', '.join(new)} (before: {before})"
            found.append(Boundary(run.ended_at, words))
        known.update(new)
    return tuple(found)


def _activations(events: Iterable[Event]) -> Iterable[Boundary]:
    for event in events:
        version, name = event.data.get("version"), event.data.get("name")
        if event.type == ACTIVATED:
            yield Boundary(event.recorded_at, f"{name}@{version} became active")
        elif event.type == ROLLED_BACK:
            yield Boundary(event.recorded_at, f"{name} was rolled back to @{version}")
