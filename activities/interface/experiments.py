"""The activities of A/B tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from activities.interface import Activity, Done, Stored
from tamma.model.agent import AgentPin, TaskType
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, Forecast, LookPlan
from tamma.model.ids import TaskId
from tamma.model.metrics import Cell
from tamma.model.task import AgentChoice
from tamma.model.verdict import ABTestResult, CanaryWatch, Evidence, Look


@dataclass(frozen=True, slots=True)
class FreezeTest:
    test_id: ABTestId
    plan: ABTestPlan


@dataclass(frozen=True, slots=True)
class FrozenTest:
    """A test as it will be: nothing of it changes from here on."""

    plan: ABTestPlan
    """With its seed and its number of units, where they were left open."""
    looks: tuple[LookPlan, ...]
    forecast: Forecast
    active: int | None
    """The active version of the control's agent."""


FREEZE_TEST: Activity[FreezeTest, FrozenTest] = Activity("freeze_test", FrozenTest)
"""Check the plan, compute the looks, draw the assignment, keep it all. The same again is done already."""


@dataclass(frozen=True, slots=True)
class ReadUnits:
    test_id: ABTestId
    first: int
    """Position of the first one."""
    limit: int


@dataclass(frozen=True, slots=True)
class UnitOrder:
    unit: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Units:
    units: tuple[UnitOrder, ...]


READ_UNITS: Activity[ReadUnits, Units] = Activity("read_units", Units)


@dataclass(frozen=True, slots=True)
class CountRuns:
    test_id: ABTestId


@dataclass(frozen=True, slots=True)
class RunCount:
    """How many production runs a live test has."""

    assigned: int
    ended: int
    spent_usd: Decimal


COUNT_RUNS: Activity[CountRuns, RunCount] = Activity("count_runs", RunCount)


@dataclass(frozen=True, slots=True)
class TakeLook:
    test_id: ABTestId
    number: int
    units: int
    """Paired: the look is about the first so many units in the drawn order. Live: about the first so many
    runs that ended."""
    final: bool
    spent_usd: Decimal
    at: datetime
    by_hand: bool = False
    """Final because a person ended the test."""


@dataclass(frozen=True, slots=True)
class LookTaken:
    look: Look
    evidence: Evidence


TAKE_LOOK: Activity[TakeLook, LookTaken] = Activity("take_look", LookTaken)


SAVE_RESULT: Activity[ABTestResult, Done] = Activity("save_ab_result", Done)


@dataclass(frozen=True, slots=True)
class ApplyCandidate:
    test_id: ABTestId
    active: int | None
    """The version of the control's agent that the approval replaces. Where another one is active by now,
    nothing is applied."""
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """`version` is active now, or `refused` says why not, and `active` what is."""

    version: int | None
    active: int | None
    refused: str = ""


APPLY_CANDIDATE: Activity[ApplyCandidate, Applied] = Activity("apply_candidate", Applied)


@dataclass(frozen=True, slots=True)
class WatchCanary:
    test_id: ABTestId
    version: int
    since: datetime
    until: datetime


WATCH_CANARY: Activity[WatchCanary, CanaryWatch] = Activity("watch_canary", CanaryWatch)


@dataclass(frozen=True, slots=True)
class RollBack:
    test_id: ABTestId
    version: int
    """What was applied; where something else is active by now, that is left alone."""
    back_to: int
    reason: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    active: int | None
    refused: str = ""


ROLL_BACK: Activity[RollBack, RolledBack] = Activity("roll_back_candidate", RolledBack)


@dataclass(frozen=True, slots=True)
class ArchiveTest:
    test_id: ABTestId
    result: ABTestResult


ARCHIVE_TEST: Activity[ArchiveTest, Stored] = Activity("archive_test", Stored)


@dataclass(frozen=True, slots=True)
class AssignAgent:
    """A production run that was accepted, and might belong to a live test."""

    task_id: TaskId
    agent: AgentPin
    repo: str
    """`platform:owner/name`."""
    issue: str
    task_type: TaskType


@dataclass(frozen=True, slots=True)
class AssignedAgent:
    """The arm that the run works for; no cell where no test wants it."""

    cell: Cell | None = None
    agent: AgentChoice | None = None
    """What it works with from here on; None: what it came with."""
    test: str = ""
    """The test's name, for people."""


ASSIGN_AGENT: Activity[AssignAgent, AssignedAgent] = Activity("assign_agent", AssignedAgent)
