"""The order for a run that goes on from another one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tamma.cli.retrying.places import Place
from tamma.errors import ConfigError
from tamma.model.task import AgentChoice, DevRequest, Limits, MergePolicy, Spend

if TYPE_CHECKING:
    from tamma.model.ids import BlobId, TaskId


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be otherwise than in the other run; None: as there."""

    agent: AgentChoice | None = None
    budget: Decimal | None = None
    max_turns: int | None = None
    merge: MergePolicy | None = None
    instructions: BlobId | None = None


def order(
    place: Place, changes: Changes, task_id: TaskId, person: str, issue_text: str | None = None
) -> DevRequest:
    """The request. What is left of the other run's limits holds for a retry, all of them for a fork.

    `issue_text` where no tracker has the issue. Raises ConfigError where nothing is left.
    """
    origin, standing = place.origin, place.standing
    limits = _limits(standing.request.limits, place.spent, changes)
    return replace(
        standing.request,
        task_id=task_id,
        agent=changes.agent or standing.request.agent,
        issue_text=issue_text,
        base=standing.issue.base_branch,
        merge=changes.merge or standing.request.merge,
        limits=limits,
        submitted_by=person,
        suffix=f"fork-{task_id[-6:]}" if origin.fork else standing.request.suffix,
        continues=replace(origin, instructions=changes.instructions),
    )


def _limits(old: Limits, used: Spend, changes: Changes) -> Limits:
    budget = old.budget_usd - used.cost_usd if changes.budget is None else changes.budget
    turns = old.max_turns - used.turns if changes.max_turns is None else changes.max_turns
    if budget <= 0:
        raise ConfigError(
            f"nothing is left of the run's {old.budget_usd:.2f} USD",
            hint="--budget says what may be spent from here on, e.g. --budget 2",
        )
    if turns <= 0:
        raise ConfigError(
            f"nothing is left of the run's {old.max_turns} turns",
            hint="--max-turns says how many there may be from here on, e.g. --max-turns 50",
        )
    return replace(old, budget_usd=budget, max_turns=turns)
