"""Runs that are made up, with known rates."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tamma.model.agent import AgentConfig, AgentPin, TaskType
from tamma.model.analysis import TimeRange
from tamma.model.measured import RunGroup, RunValues, merged
from tamma.model.metrics import ContextUse, RunMetrics
from tamma.store.interface import Store
from tamma.store.memory_reports import sums_of_run, values_of_run
from tests.support.experiments import production_run

END = datetime(2030, 3, 1, tzinfo=UTC)
WEEK = TimeRange(END - timedelta(days=7), END)


def run(pin: AgentPin | None, at: datetime, success: bool = True, **changes: Any) -> RunMetrics:
    """A run of 1000 tokens that cost 0.10 and took a minute."""
    made = production_run(pin, at, success) if pin is not None else _of_nobody(at, success)
    made = replace(
        made, input_tokens=900, output_tokens=100, duration_ms=60_000, context=ContextUse(1000, 500)
    )
    return replace(made, **changes)


def _of_nobody(at: datetime, success: bool) -> RunMetrics:
    from tamma.model.agent import AgentId, ConfigHash

    pin = AgentPin(AgentId("x"), "x", 1, ConfigHash("x"))
    return replace(production_run(pin, at, success), agent=None)


def runs(
    pin: AgentPin | None,
    count: int,
    *,
    rate: float = 0.6,
    cost: float = 0.1,
    seed: int = 1,
    within: TimeRange = WEEK,
    types: tuple[TaskType, ...] = (TaskType.CODE_GENERATION,),
    repos: tuple[str, ...] = ("acme/calc",),
    **changes: Any,
) -> list[RunMetrics]:
    """Runs spread evenly over a range, of which exactly the share `rate` succeeds; costs are lognormal."""
    source = random.Random(seed)
    succeeding = [number < round(rate * count) for number in range(count)]
    source.shuffle(succeeding)
    step = (within.end - within.start) / count
    return [
        run(
            pin,
            within.start + step * number,
            success,
            cost_usd=Decimal(f"{cost * source.lognormvariate(0, 0.4):.6f}"),
            duration_ms=round(60_000 * source.lognormvariate(0, 0.4)),
            quality=min(max(source.gauss(70, 8), 0.0), 100.0),
            task_type=types[number % len(types)],
            repo=repos[number % len(repos)],
            **changes,
        )
        for number, success in enumerate(succeeding)
    ]


def values(made: Iterable[RunMetrics]) -> tuple[RunValues, ...]:
    return tuple(map(values_of_run, made))


def group(made: Iterable[RunMetrics], part: int = 0) -> RunGroup:
    return RunGroup(part, "a", "a", 1, "code-generation", merged(map(sums_of_run, made)))


async def add_agent(store: Store, name: str, *configs: AgentConfig, author: str = "tester") -> list[AgentPin]:
    """An agent with these versions, the last one active; their pins."""
    from tamma.model.agent import AgentId
    from tamma.model.ids import uuid7

    agent_id = AgentId(uuid7())
    first = await store.create_agent(agent_id, name, configs[0], author=author, reason="made")
    pins = [AgentPin(agent_id, name, 1, first.hash)]
    for config in configs[1:]:
        agent = await store.find_agent(agent_id)
        assert agent is not None
        made = await store.add_version(
            agent_id, config, parent=agent.latest, author=author, reason="r", revision=agent.revision
        )
        pins.append(AgentPin(agent_id, name, made.number, made.hash))
    agent = await store.find_agent(agent_id)
    assert agent is not None
    await store.activate(agent_id, agent.latest, author=author, reason="go", revision=agent.revision)
    return pins


async def record(store: Store, *batches: Iterable[RunMetrics]) -> None:
    for batch in batches:
        for each in batch:
            await store.record_run(each)
