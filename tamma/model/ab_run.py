"""A running A/B test: what the `ABTest` workflow is given, what it remembers, what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tamma.model.experiment import ABTestId, ABTestPlan, Forecast, LookPlan
from tamma.model.verdict import ABTestState, Approver, CanaryWatch, Effect, Look, StopReason, Verdict


@dataclass(frozen=True, slots=True)
class ABAnswer:
    """What a person says to a test: who, and why."""

    by: str = ""
    text: str = ""


MOST_NOTES = 30


@dataclass(slots=True)
class ABProgress:
    """The memory of a test's workflow; it goes along when the workflow is continued as a new run."""

    state: ABTestState = ABTestState.PLANNED
    started_at: datetime | None = None
    ends_at: datetime | None = None
    looks_planned: tuple[LookPlan, ...] = ()
    forecast: Forecast | None = None
    units_planned: int = 0
    active: int | None = None
    """The version of the control's agent that was active when the test was frozen, or when a person was last
    told of it: what an approval is about."""
    next_unit: int = 0
    """Position of the first unit none of whose trials has begun."""
    next_cell: int = 0
    """How many of that unit's trials have begun, where it was left in the middle."""
    open_units: dict[int, int] = field(default_factory=dict[int, int])
    """By position: how many trials of a unit that was begun have yet to end."""
    trials_ended: int = 0
    failed_trials: int = 0
    spent_usd: Decimal = Decimal(0)
    looks: list[Look] = field(default_factory=list[Look])
    verdict: Verdict | None = None
    effect: Effect | None = None
    significant: bool = False
    told_to_stop: ABAnswer | None = None
    stop_reason: StopReason | None = None
    approver: Approver | None = None
    asked_at: datetime | None = None
    """Since when the verdict waits for a person."""
    replaced_version: int | None = None
    """What was active before, and is again after a rollback."""
    applied_version: int | None = None
    applied_at: datetime | None = None
    rolled_back_to: int | None = None
    canary: CanaryWatch | None = None
    paused: bool = False
    events: int = 0
    archive: str = ""
    ended_at: datetime | None = None
    note: str = ""
    notes: list[str] = field(default_factory=list[str])

    @property
    def prefix(self) -> int:
        """The first so many units in the drawn order are complete."""
        return min([*self.open_units, self.next_unit])

    @property
    def complete(self) -> int:
        """Units whose trials have all ended."""
        return self.next_unit + (1 if self.next_cell else 0) - len(self.open_units)

    def add_note(self, text: str) -> None:
        """Add a note once. The newest `MOST_NOTES` are kept: all of them travel in every answer."""
        if text not in self.notes:
            self.notes.append(text)
            del self.notes[:-MOST_NOTES]


@dataclass(frozen=True, slots=True)
class ABTestStart:
    """The input of the `ABTest` workflow."""

    test_id: ABTestId
    plan: ABTestPlan
    by: str = ""
    """Who started it."""
    progress: ABProgress | None = None
    """Set where an earlier run of the same workflow has gone on as this one."""


@dataclass(frozen=True, slots=True)
class ABAccepted:
    """The answer of the update `accepted`: the test is frozen and begins."""

    test_id: ABTestId
    seed: int
    units: int
    looks: tuple[LookPlan, ...]
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class ABTestView:
    """Everything that `tamma ab status` and `watch` show of a test that lives."""

    test_id: ABTestId
    plan: ABTestPlan
    state: ABTestState
    started_at: datetime
    ends_at: datetime
    """When the last look is taken with what there is."""
    units: int
    """Units whose cells have all ended."""
    units_planned: int
    trials_ended: int
    trials_running: int
    trials_planned: int
    failed_trials: int
    """Trials that left no measurements: they were ended from outside."""
    spent_usd: Decimal
    looks_planned: tuple[LookPlan, ...] = ()
    looks: tuple[Look, ...] = ()
    paused: bool = False
    verdict: Verdict | None = None
    effect: Effect | None = None
    stop_reason: StopReason | None = None
    approver: Approver | None = None
    waiting: str = ""
    """What it waits for and what to do about it; empty where it works."""
    applied_version: int | None = None
    rolled_back_to: int | None = None
    canary: CanaryWatch | None = None
    notes: tuple[str, ...] = ()
