"""How versions have done in the runs that were measured: bare counts and means. `tamma perf` says more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tamma.model.agent import AgentId
from tamma.model.analysis import MetricFilter

if TYPE_CHECKING:
    from tamma.model.metrics import RunMetrics
    from tamma.store.interface import MetricStore


@dataclass(frozen=True, slots=True)
class Record:
    """Of one version's runs for people's repositories; benchmarks and replays are left out."""

    runs: int = 0
    succeeded: int = 0
    mean_cost_usd: Decimal | None = None
    """None where there is no run, or a call of one has no known price."""
    mean_quality: float | None = None
    """0 to 100, over the runs that were graded."""

    def json(self) -> dict[str, object]:
        cost = self.mean_cost_usd
        return {
            "runs": self.runs,
            "succeeded": self.succeeded,
            "meanCostUsd": None if cost is None else float(round(cost, 6)),
            "meanQuality": None if self.mean_quality is None else round(self.mean_quality, 2),
        }


async def records(store: MetricStore, agents: Iterable[AgentId]) -> Mapping[tuple[AgentId, int], Record]:
    """By agent and version; versions without a run are not in it."""
    wanted = tuple(agents)
    if not wanted:
        return {}
    by_version: defaultdict[tuple[AgentId, int], list[RunMetrics]] = defaultdict(list)
    for run in await store.read_runs(MetricFilter(agents=wanted)):
        if run.agent is not None:
            by_version[run.agent.agent_id, run.agent.version].append(run)
    return {version: record(runs) for version, runs in by_version.items()}


def record(runs: list[RunMetrics]) -> Record:
    """The record of some runs, at least one."""
    graded = [run.quality for run in runs if run.quality is not None]
    priced = not any(run.unpriced_calls for run in runs)
    return Record(
        runs=len(runs),
        succeeded=sum(run.success for run in runs),
        mean_cost_usd=sum((run.cost_usd for run in runs), Decimal(0)) / len(runs) if priced else None,
        mean_quality=sum(graded) / len(graded) if graded else None,
    )
