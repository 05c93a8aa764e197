"""The activities of trials and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from activities.interface import AcceptedIssue, Activity, Done
from tamma.model.agent import WorkContext
from tamma.model.bench import BenchRequest, BenchState
from tamma.model.ids import BlobId, TaskId
from tamma.model.metrics import QualityPart
from tamma.model.references import RepoRef
from tamma.model.suite import SuiteHash, TaskLimits
from tamma.model.task import AgentChoice, Spend
from tamma.model.trial import TrialRequest, TrialResult


@dataclass(frozen=True, slots=True)
class TrialBrief:
    """What a trial works on, as references. Nothing of the solution, nothing of the tests."""

    context: WorkContext
    repo: RepoRef
    issue: AcceptedIssue
    agent: AgentChoice
    limits: TaskLimits
    test_command: str = ""
    setup_command: str = ""
    plan: BlobId | None = None
    """In review tasks: stands where there is no plan."""
    review_diff: BlobId | None = None
    """In review tasks: the change to be judged."""
    judged: bool = False
    """Whether the suite has a model judge the work."""


@dataclass(frozen=True, slots=True)
class OpenedTrial:
    """What a trial begins with. A rehearsal is over with that: `rehearsed` is its result."""

    rehearsed: TrialResult | None = None
    brief: TrialBrief | None = None


OPEN_TRIAL: Activity[TrialRequest, OpenedTrial] = Activity("open_trial", OpenedTrial)


@dataclass(frozen=True, slots=True)
class GradeWork:
    """Grade what stands in a clean copy of the work."""

    workspace_id: str
    suite: SuiteHash
    unit: str
    test_command: str
    """The project's own; for hidden tests without a command."""
    timeout: float
    red_test: str = ""
    """In testing tasks: the command of the test that the agent wrote."""


@dataclass(frozen=True, slots=True)
class Graded:
    """What the graders say. `error_type` is empty where the work passed."""

    parts: tuple[QualityPart, ...]
    error_type: str
    reason: str = ""
    output: BlobId | None = None
    """What the hidden tests printed."""


GRADE_WORK: Activity[GradeWork, Graded] = Activity("grade_work", Graded)


@dataclass(frozen=True, slots=True)
class GradeReview:
    """Grade a verdict about the change of a review task."""

    suite: SuiteHash
    unit: str
    approved: bool


GRADE_REVIEW: Activity[GradeReview, Graded] = Activity("grade_review", Graded)


@dataclass(frozen=True, slots=True)
class JudgeWork:
    """Have a model judge the change, as often as the suite asks for."""

    task_id: TaskId
    suite: SuiteHash
    unit: str
    diff: BlobId


@dataclass(frozen=True, slots=True)
class Judged:
    """The judge's word; None where it gave no usable one. Its cost is the benchmark's, not the agent's."""

    part: QualityPart | None
    spend: Spend = field(default_factory=Spend)


JUDGE_WORK: Activity[JudgeWork, Judged] = Activity("judge_work", Judged)


@dataclass(frozen=True, slots=True)
class ReadTasks:
    """A page of a suite."""

    suite: SuiteHash
    after: int
    """How many tasks stand before it."""
    limit: int


@dataclass(frozen=True, slots=True)
class TaskBrief:
    """What a benchmark needs to know of a task."""

    id: str
    budget_usd: Decimal
    """What a trial of it may spend; 0 for a rehearsal, which spends nothing real."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    tasks: tuple[TaskBrief, ...]


READ_TASKS: Activity[ReadTasks, TaskPage] = Activity("read_tasks", TaskPage)


@dataclass(frozen=True, slots=True)
class SaveBench:
    """How a benchmark stands now."""

    request: BenchRequest
    state: BenchState
    reason: str


SAVE_BENCH: Activity[SaveBench, Done] = Activity("save_bench", Done)
