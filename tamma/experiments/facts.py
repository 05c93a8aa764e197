"""What planning an A/B test rests on: the two versions, the suite's tasks, what earlier runs say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tamma.experiments.assignment import Unit
from tamma.model.agent import Agent, AgentPin, AgentVersion
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.experiment import ABTestPlan, Mode
from tamma.model.metrics import RunKind, RunMetrics
from tamma.model.suite import SuiteTask
from tamma.store.interface import AgentStore, MetricStore, SuiteStore

HISTORY_DAYS = 180
"""Older runs say little about what a version does now."""
ENOUGH_RUNS = 10
"""Fewer runs of a version are not taken for knowledge of its rates."""
_MOST_RUNS = 20_000


class PlanStore(AgentStore, SuiteStore, MetricStore, Protocol):
    """What is read of the store for planning."""


@dataclass(frozen=True, slots=True)
class ArmHistory:
    """What is known of one arm's runs; None where there are fewer than `ENOUGH_RUNS`."""

    runs: int
    success: float | None = None
    cost_usd: float | None = None
    """Mean."""
    cost_spread: float | None = None
    """Standard deviation, in US dollars."""
    seconds: float | None = None
    """Mean working time."""
    quality_spread: float | None = None
    log_cost_spread: float | None = None
    log_seconds_spread: float | None = None
    runs_a_day: float | None = None
    """Production runs, over the days between the first and the last."""


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """An arm as the store knows it. None: there is no such agent, or no such version."""

    agent: Agent | None
    version: AgentVersion | None
    history: ArmHistory


@dataclass(frozen=True, slots=True)
class PlanFacts:
    control: ArmFacts
    candidate: ArmFacts
    units: tuple[Unit, ...] | None = None
    """The suite's tasks of the plan's types, in a paired test; None where the suite is not stored."""
    rehearsal: bool = False
    """Whether every one of these tasks is a rehearsal: no model works on it, and nothing is paid."""
    mixed: bool = False
    """Whether some of them are, and others are not: no agent can work on both."""


async def gather(store: PlanStore, plan: ABTestPlan, now: datetime | None = None) -> PlanFacts:
    """Read all that planning needs. Raises StoreUnavailable."""
    now = now or datetime.now(UTC)
    tasks = await _tasks(store, plan)
    rehearsed = [task.rehearsal is not None for task in tasks or ()]
    return PlanFacts(
        await _arm(store, plan.control, plan.mode, now),
        await _arm(store, plan.candidate, plan.mode, now),
        None
        if tasks is None
        else tuple(Unit(task.id, f"{task.task_type.value} {task.repository}") for task in tasks),
        rehearsal=bool(rehearsed) and all(rehearsed),
        mixed=any(rehearsed) and not all(rehearsed),
    )


async def _arm(store: PlanStore, pin: AgentPin, mode: Mode, now: datetime) -> ArmFacts:
    agent = await store.find_agent(pin.agent_id)
    if agent is None:
        return ArmFacts(None, None, ArmHistory(0))
    version = await store.read_version(agent.agent_id, pin.version)
    kinds = (RunKind.PRODUCTION,) if mode is Mode.LIVE else (RunKind.BENCH, RunKind.REPLAY)
    wanted = MetricFilter(
        agents=(agent.agent_id,), versions=(pin.version,), kinds=tuple(kind.value for kind in kinds)
    )
    since = TimeRange(now - timedelta(days=HISTORY_DAYS), now + timedelta(days=1))
    return ArmFacts(agent, version, history_of(await store.read_runs(wanted, since, limit=_MOST_RUNS)))


async def _tasks(store: PlanStore, plan: ABTestPlan) -> tuple[SuiteTask, ...] | None:
    if plan.suite is None:
        return None
    suite = await store.find_suite(plan.suite.name, plan.suite.hash)
    if suite is None:
        return None
    return tuple(task for task in suite.tasks if not plan.task_types or task.task_type in plan.task_types)


def history_of(runs: Sequence[RunMetrics]) -> ArmHistory:
    """What so many runs say."""
    if len(runs) < ENOUGH_RUNS:
        return ArmHistory(len(runs))
    costs = [float(run.cost_usd) for run in runs if not run.unpriced_calls]
    seconds = [run.duration_ms / 1000 for run in runs]
    days = (runs[-1].ended_at - runs[0].ended_at).total_seconds() / 86400
    return ArmHistory(
        runs=len(runs),
        success=sum(run.success for run in runs) / len(runs),
        cost_usd=math.fsum(costs) / len(costs) if len(costs) >= ENOUGH_RUNS else None,
        cost_spread=_spread(costs),
        seconds=math.fsum(seconds) / len(seconds),
        quality_spread=_spread([run.quality for run in runs if run.quality is not None]),
        log_cost_spread=_spread([math.log(cost) for cost in costs if cost > 0]),
        log_seconds_spread=_spread([math.log(value) for value in seconds if value > 0]),
        runs_a_day=len(runs) / days if days > 0 else None,
    )


def _spread(values: Sequence[float]) -> float | None:
    """The standard deviation; None where there are too few values or all are alike."""
    if len(values) < ENOUGH_RUNS or min(values) == max(values):
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
