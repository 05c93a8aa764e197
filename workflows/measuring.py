"""What a run measures of itself. Pure: times come from the workflow, so that a replay measures the same.

`run_metrics` puts the whole together; it is told what kind of run it was and which cell of a test it fills,
so that a trial measures itself as an issue's run does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from tamma.agents.quality import Work, graded
from tamma.model.metrics import (
    Cell,
    MergedChange,
    ModelUse,
    QualityPart,
    RunKind,
    RunMetrics,
    StepMetrics,
    weighted,
)
from tamma.model.task import DevRequest, Gate, Spend, Waiting

if TYPE_CHECKING:
    from workflows.run_state import RunState


CANCELLED = "cancelled"


def why_cancelled(waiting: Waiting | None) -> str:
    """The error type of a run that somebody ended: the gate that it stood at, if it waited for a person."""
    if waiting is None or not waiting.person or waiting.gate is Gate.PAUSED:
        return CANCELLED
    return waiting.gate.value


class Stopwatch:
    """How long a run has waited for people, money or outages."""

    def __init__(self) -> None:
        self._waited = timedelta()
        self._since: datetime | None = None

    def turn(self, waits: bool, now: datetime) -> None:
        """From `now` on it waits, or does not."""
        self._waited = self.waited(now)
        self._since = now if waits else None

    def waited(self, now: datetime) -> timedelta:
        """All that it has waited until `now`."""
        return self._waited + (now - self._since if self._since is not None else timedelta())


def hours_worked(begun: datetime, watch: Stopwatch, now: datetime) -> float:
    """Hours since `begun` in which nothing was waited for."""
    return (now - begun - watch.waited(now)) / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StepBegun:
    """When a step began, and how long the run had waited by then."""

    at: datetime
    waited: timedelta


def step_metrics(
    number: int,
    step: str,
    begun: StepBegun,
    ended: StepBegun,
    spend: Spend,
    use: ModelUse,
    error_type: str = "",
) -> StepMetrics:
    """One step's figures. `error_type` is empty where it succeeded."""
    return StepMetrics(
        number=number,
        step=step,
        provider=use.provider,
        model=use.models[-1] if use.models else "",
        started_at=begun.at,
        duration_ms=milliseconds((ended.at - begun.at) - (ended.waited - begun.waited)),
        turns=spend.turns,
        input_tokens=spend.input_tokens,
        output_tokens=spend.output_tokens,
        cache_read_tokens=spend.cache_read_tokens,
        cost_usd=spend.cost_usd,
        unpriced_calls=spend.unpriced_calls,
        success=not error_type,
        error_type=error_type,
        context=use.context,
    )


def run_metrics(
    request: DevRequest,
    state: RunState,
    *,
    run_id: str,
    started_at: datetime,
    ended_at: datetime,
    error_type: str = "",
    kind: RunKind = RunKind.PRODUCTION,
    cell: Cell | None = None,
    parts: Sequence[QualityPart] | None = None,
) -> RunMetrics:
    """The run's figures. Only after its issue is known.

    `error_type` is empty where it succeeded. `parts` are the graders' words; None: those of a run that nobody
    graded but its own gates and reviewer.
    """
    assert state.issue is not None
    agent, spend = request.agent, state.spend
    use = reduce(add, state.uses, ModelUse())
    waited = state.watch.waited(ended_at)
    quality_parts = tuple(graded(work(state)) if parts is None else parts)
    return RunMetrics(
        run_id=run_id,
        task_id=request.task_id,
        kind=kind,
        agent=None if request.best_with else agent.pin,  # what several agents made says nothing of one
        provider=agent.provider,
        model=agent.model or (use.models[0] if use.models else ""),
        served_models=use.models,
        repo=request.repo.full_name,
        issue=request.issue,
        task_type=state.issue.task_type,
        started_at=started_at,
        ended_at=ended_at,
        duration_ms=milliseconds(ended_at - started_at - waited),
        waiting_ms=milliseconds(waited),
        turns=spend.turns,
        input_tokens=spend.input_tokens,
        output_tokens=spend.output_tokens,
        cache_read_tokens=spend.cache_read_tokens,
        cost_usd=spend.cost_usd,
        unpriced_calls=spend.unpriced_calls,
        success=not error_type,
        error_type=error_type,
        quality=weighted(quality_parts),
        quality_parts=quality_parts,
        context=use.context,
        steps=tuple(state.steps),
        cell=cell,
        merged=merged(request, state),
    )


def merged(request: DevRequest, state: RunState) -> MergedChange | None:
    """What the run merged; None where nothing was."""
    if not state.merge_sha or state.merged_at is None or state.issue is None:
        return None
    return MergedChange(
        request.repo,
        state.issue.base_branch,
        state.merge_sha,
        state.merged_at,
        head_sha=state.published.sha if state.published else "",
        pull_request=state.pull_request,
    )


def work(state: RunState) -> Work:
    """What the run's own gates and reviewer said of its work."""
    return Work(green=state.green, fixes=state.fixes, approved=state.approved)


def milliseconds(time: timedelta) -> int:
    """Whole milliseconds, never below zero: clocks of servers may step back."""
    return max(round(time / timedelta(milliseconds=1)), 0)
