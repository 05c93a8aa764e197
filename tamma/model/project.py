"""What a repository asks of those who work on it: only ever more care than they would take."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import get_args

from tamma.model.task import ApprovePolicy, DevRequest, MergePolicy, NewDependencies


@dataclass(frozen=True, slots=True)
class ProjectPolicy:
    """The wishes of a repository's `.tamma.json`. None: it says nothing of that."""

    approve: ApprovePolicy | None = None
    merge: MergePolicy | None = None
    budget_usd: Decimal | None = None
    max_turns: int | None = None
    review: bool | None = None
    command_timeout: float | None = None
    """Seconds for one of the commands that judge the work."""
    new_dependencies: NewDependencies | None = None
    ambiguity: float | None = None
    """How unclear an issue may be, from 0 to 1, before a person is asked."""


@dataclass(frozen=True, slots=True)
class Tightened:
    """A request with the repository's wishes brought in."""

    request: DevRequest
    notes: tuple[str, ...]
    """What holds because of them, and what was not granted."""


def tightened(request: DevRequest, policy: ProjectPolicy) -> Tightened:
    """The stricter of what the run was asked for and what the repository asks. Pure."""
    gates = both(request.approve, policy.approve or ApprovePolicy.NONE)
    limits = request.limits
    stricter = replace(
        request,
        approve=gates,
        merge="never" if policy.merge == "never" else request.merge,
        review=request.review or policy.review is True,
        new_dependencies=stricter_of(request.new_dependencies, policy.new_dependencies),
        ask_above=request.ask_above if policy.ambiguity is None else min(request.ask_above, policy.ambiguity),
        limits=replace(
            limits,
            budget_usd=min(limits.budget_usd, policy.budget_usd or limits.budget_usd),
            max_turns=min(limits.max_turns, policy.max_turns or limits.max_turns),
            command_timeout=min(limits.command_timeout, policy.command_timeout or limits.command_timeout),
        ),
    )
    return Tightened(stricter, tuple(_notes(request, stricter, policy)))


def both(one: ApprovePolicy, other: ApprovePolicy) -> ApprovePolicy:
    """The gates of both."""
    plan, merge = one.plan or other.plan, one.merge or other.merge
    if plan and merge:
        return ApprovePolicy.ALL
    return ApprovePolicy.PLAN if plan else ApprovePolicy.MERGE if merge else ApprovePolicy.NONE


def stricter_of(one: NewDependencies, other: NewDependencies | None) -> NewDependencies:
    """The one that lets less pass."""
    order: tuple[NewDependencies, ...] = get_args(NewDependencies)
    return one if other is None else order[max(order.index(one), order.index(other))]


def _notes(asked: DevRequest, holds: DevRequest, policy: ProjectPolicy) -> list[str]:
    before, after = _values(asked), _values(holds)
    notes: list[str] = []
    for item in fields(policy):
        wish = getattr(policy, item.name)
        if wish is None or wish == before[item.name]:
            continue
        if after[item.name] != before[item.name]:
            notes.append(f".tamma.json asks for more care: {item.name} is {after[item.name]}")
        elif item.name != "approve" or not _holds(wish, before["approve"]):
            notes.append(
                f".tamma.json asks for {item.name} = {wish}; {before[item.name]} holds, as a repository can "
                "only be stricter"
            )
    return notes


def _holds(wish: object, gates: object) -> bool:
    """Whether the gates that are asked for are among those that hold anyway."""
    assert isinstance(wish, ApprovePolicy)
    assert isinstance(gates, ApprovePolicy)
    return wish is not ApprovePolicy.NONE and both(wish, gates) is gates


def _values(request: DevRequest) -> dict[str, object]:
    limits = request.limits
    return {
        "approve": request.approve,
        "merge": request.merge,
        "budget_usd": limits.budget_usd,
        "max_turns": limits.max_turns,
        "review": request.review,
        "command_timeout": limits.command_timeout,
        "new_dependencies": request.new_dependencies,
        "ambiguity": request.ask_above,
    }
