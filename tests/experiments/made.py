"""Tests of agents made by hand or from a seed, for the analysis and the reports."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tamma.experiments.looks import due_look
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.experiment import ABTestPlan, Arm, Assignment, LookPlan, Mode, Outcome
from tamma.model.looks import DueLook

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TYPES = tuple(TaskType)


def pin(name: str, version: int) -> AgentPin:
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    return AgentPin(AgentId(f"0195-{name}"), name, version, ConfigHash(f"sha256:{digest}"))


PLAN = ABTestPlan("shorter maps", pin("builder", 3), pin("builder", 4), seed=7)


def outcome(
    unit: str, arm: Arm, *, success: bool = True, replicate: int = 0, repo: str = "github:acme/shop"
) -> Outcome:
    """One trial: a dollar, a minute, quality 70."""
    return Outcome(
        unit=unit,
        arm=arm,
        replicate=replicate,
        run_id=f"run-{unit}-{arm.value}-{replicate}",
        success=success,
        quality=70.0,
        cost_usd=1.0,
        duration_ms=60_000.0,
        stratum=f"code-generation {repo}",
        repo=repo,
        task_type=TaskType.CODE_GENERATION,
        served_models=("model-a",),
        ended_at=START,
        config_hash=(PLAN.control if arm is Arm.CONTROL else PLAN.candidate).hash,
    )


def pairs(*results: tuple[bool, bool]) -> tuple[list[Assignment], list[Outcome]]:
    """A paired test of single runs: (control solved it, candidate solved it), a task each."""
    assignments: list[Assignment] = []
    outcomes: list[Outcome] = []
    for position, (before, after) in enumerate(results):
        unit = f"task-{position}"
        assignments.append(Assignment(position, unit, "s", (Arm.CONTROL, Arm.CANDIDATE)))
        outcomes += [outcome(unit, Arm.CONTROL, success=before), outcome(unit, Arm.CANDIDATE, success=after)]
    return assignments, outcomes


def looks(units: int, count: int = 5) -> tuple[LookPlan, ...]:
    from tamma.experiments.sequential.spending import plan_looks

    return plan_looks(units, count)


def last_look(planned: Sequence[LookPlan], completed: int) -> DueLook:
    """The last look of a test that took none before."""
    due = due_look(planned, (), completed, ended=True)
    assert due is not None
    return due


def drawn(
    units: int,
    *,
    seed: int,
    control: float = 0.5,
    candidate: float = 0.65,
    saved: float = 0.2,
    repos: int = 12,
    mode: Mode = Mode.PAIRED,
    replicates: int = 1,
) -> tuple[list[Assignment], list[Outcome]]:
    """Outcomes at these true rates; the candidate costs `saved` less. Tasks differ."""
    rng = random.Random(seed)
    assignments: list[Assignment] = []
    outcomes: list[Outcome] = []
    for position in range(units):
        unit = f"task-{position:05}"
        repo = f"github:acme/repo-{rng.randrange(repos):02}"
        kind = rng.choice(TYPES)
        arms = list(Arm) if mode is Mode.PAIRED else [list(Arm)[position % 2]]
        assignments.append(Assignment(position, unit, f"{kind.value} {repo}", tuple(arms * replicates)))
        hard, size = rng.gauss(0, 1), rng.gauss(0, 0.5)
        for arm, replicate in ((arm, each) for arm in arms for each in range(replicates)):
            rate, factor = (control, 1.0) if arm is Arm.CONTROL else (candidate, 1.0 - saved)
            outcomes.append(
                _trial(rng, (unit, arm, replicate), (repo, kind), (rate, hard, size, factor), position)
            )
    return assignments, outcomes


def _trial(
    rng: random.Random,
    cell: tuple[str, Arm, int],
    where: tuple[str, TaskType],
    truth: tuple[float, float, float, float],
    position: int,
) -> Outcome:
    rate, hard, size, factor = truth
    odds = math.log(rate / (1 - rate)) - hard
    success = rng.random() < 1 / (1 + math.exp(-odds))
    cost = 0.4 * factor * math.exp(size + rng.gauss(0, 0.3))
    tokens = int(cost * 250_000)
    unit, arm, replicate = cell
    return Outcome(
        unit=unit,
        arm=arm,
        replicate=replicate,
        run_id=f"{unit}-{arm.value}-{replicate}",
        success=success,
        quality=round(min(100.0, max(0.0, (75 if success else 35) + rng.gauss(0, 10))), 1),
        cost_usd=round(cost, 4),
        duration_ms=float(round(400_000 * factor * math.exp(size + rng.gauss(0, 0.4)))),
        stratum=f"{where[1].value} {where[0]}",
        repo=where[0],
        task_type=where[1],
        served_models=("model-a",),
        error_type="" if success else rng.choice(("tests-failed", "timeout", "no-change")),
        tokens=tokens,
        context_efficiency=min(1.0, max(0.05, rng.gauss(0.55, 0.2))),
        truncations=int(rng.random() < 0.2),
        cache_read_tokens=int(tokens * 0.6),
        ended_at=START + timedelta(minutes=7 * position + (arm is Arm.CANDIDATE)),
        config_hash=(PLAN.control if arm is Arm.CONTROL else PLAN.candidate).hash,
        input_tokens=int(tokens * 0.9),
    )


def in_turn(values: Sequence[float | None]) -> Iterator[float | None]:
    """The values again and again."""
    while True:
        yield from values
