"""A run from issue to merge: what is asked for, how far it is, what people may say to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from tamma.model.agent import AgentId, AgentPin, ConfigHash, ContextStrategy
from tamma.model.coordination import Coordination
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.metrics import RunMetrics
from tamma.model.origin import Origin
from tamma.model.planning import ASK_ABOVE, Decided, DesignOption, Question
from tamma.model.references import MergeMethod, RepoRef
from tamma.model.suggestion import PatchRef, WorkflowType
from tamma.model.tries import TryOutcome

TASK_QUEUE = "tamma"
"""Workflows and platform calls."""
AI_QUEUE = "tamma-ai"
WORKSPACE_QUEUE = "tamma-ws"
"""`prepare_workspace` alone; the rest of a workspace's life is on `tamma-ws-<host>`."""

DEV_WORKFLOW = "AutonomousDev"
SESSION_WORKFLOW = "AgentSession"


def host_queue(host: str) -> str:
    """The queue of the worker that holds a workspace."""
    return f"{WORKSPACE_QUEUE}-{host}"


class Phase(StrEnum):
    """Where a run stands; shown in the Web UI as `TammaPhase`."""

    ACCEPT = "accept"
    CONTEXT = "context"
    PLAN = "plan"
    APPROVE_PLAN = "approve-plan"
    RED_TEST = "red-test"
    IMPLEMENT = "implement"
    REVIEW = "review"
    SUGGEST = "suggest"
    """Instead of what follows, where a run pushes nothing."""
    PUBLISH = "publish"
    CHECKS = "checks"
    APPROVE_MERGE = "approve-merge"
    MERGE = "merge"
    CLOSE = "close"
    DONE = "done"


class TaskStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    """Waiting for a person, money or time; `waiting_for` says which."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)


class ApprovePolicy(StrEnum):
    """Which gates wait for a person."""

    NONE = "none"
    PLAN = "plan"
    MERGE = "merge"
    ALL = "all"

    @property
    def plan(self) -> bool:
        return self in (ApprovePolicy.PLAN, ApprovePolicy.ALL)

    @property
    def merge(self) -> bool:
        return self in (ApprovePolicy.MERGE, ApprovePolicy.ALL)


MergePolicy = Literal["auto", "never"]
NewDependencies = Literal["allow", "ask", "refuse"]
"""Whether a change may make the project depend on more, or on other major versions: ordered by strictness."""


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """Which provider and model do the work; names of configured entries, never credentials."""

    provider: str
    model: str | None = None
    """None: the provider entry's own default."""
    temperature: float | None = None
    max_output_tokens: int | None = None
    name: str = "default"
    pinned: bool = False
    """A person named the provider or model for this very run: no other one takes its place. So it is for a
    version of an agent, too: what it is worth is measured."""
    agent_id: AgentId | None = None
    """Of a stored agent; None where there is just a provider and a model."""
    version: int | None = None
    config: ConfigHash | None = None
    """Prompts, tools and parameters: they are in the store."""
    context: ContextStrategy | None = None
    """How the context window is used. None: as by default."""
    fixed: bool = False
    """A person named this very version: no live A/B test gives the run another one."""

    @property
    def pin(self) -> AgentPin | None:
        """The version that the run works with, if it is a stored agent's."""
        if self.agent_id is None or self.version is None or self.config is None:
            return None
        return AgentPin(self.agent_id, self.name, self.version, self.config)

    @property
    def label(self) -> str:
        """For people: `NAME@3`, else `PROVIDER/MODEL`."""
        if self.version is not None:
            return f"{self.name}@{self.version}"
        return f"{self.provider}/{self.model}" if self.model else self.provider


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use before it pauses and asks."""

    budget_usd: Decimal = Decimal("3.00")
    max_turns: int = 100
    """Model calls of the agent, over all stages."""
    max_hours: float = 24.0
    """Hours of work; what it waits for does not count. 0: as long as it takes."""
    rounds: int = 3
    """Attempts per cause (red test, failing tests) before a person is asked."""
    command_timeout: float = 600.0
    """Seconds for the project's test command."""
    worker_lost_after: float = 60.0
    """Seconds without any worker on a workspace's host before it is rebuilt on another."""
    checks_grace: float = 30.0
    """Seconds to wait for a first check to appear on the pull request."""
    poll: float = 15.0
    """Seconds between looks at checks and mergeability, and the first ones at comments."""
    remind_after: float = 24 * 3600.0
    escalate_after: float = 72 * 3600.0
    """Seconds of waiting for a person before the run reminds once, and calls people by name. 0: never."""


@dataclass(frozen=True, slots=True)
class DevRequest:
    """The input of the `AutonomousDev` workflow."""

    task_id: TaskId
    repo: RepoRef
    issue: str
    agent: AgentChoice
    issue_text: str | None = None
    """The issue itself where it comes from a file; the first activity turns it into a stored reference."""
    base: str | None = None
    approve: ApprovePolicy = ApprovePolicy.NONE
    merge: MergePolicy = "auto"
    merge_method: MergeMethod = "squash"
    limits: Limits = field(default_factory=Limits)
    test_command: str | None = None
    review: bool = True
    submitted_by: str = ""
    suffix: str = ""
    """Set apart the branch of an extra run (`--again`)."""
    new_dependencies: NewDependencies = "ask"
    unattended: float | None = None
    """Where nobody answers: the run ends where it would ask a person, and waits for outages this many seconds
    in all. None: it waits."""
    continues: Origin | None = None
    """The run from whose standing it goes on. None: from the issue alone."""
    ask_above: float = ASK_ABOVE
    """How unclear an issue may be (0 to 1, as the plan rates it) before a person is asked what is wanted."""
    coordination: Coordination = "wait"
    """What it does about issues and runs that come before it."""
    workflow_type: WorkflowType = "autonomous-dev"
    best_of: int = 1
    """Tries at the change, side by side; the best one is taken. They share the run's budget."""
    best_with: tuple[AgentChoice, ...] = ()
    """Who makes them beside `agent`, in turn."""

    @property
    def assists(self) -> bool:
        """Whether it pushes nothing: it suggests a patch, and a person decides at every gate."""
        return self.workflow_type == "manual-assist"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer of the `accepted` update: the issue exists and the run has begun."""

    task_id: TaskId
    title: str
    url: str
    base_branch: str
    base_sha: str
    branch: str


@dataclass(frozen=True, slots=True)
class Spend:
    """Tokens and money of a run or a session. `unpriced_calls` counts calls whose cost is unknown."""

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.turns + other.turns,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cost_usd + other.cost_usd,
            self.unpriced_calls + other.unpriced_calls,
        )


class Gate(StrEnum):
    """What a run can wait for a person to say."""

    PLAN = "plan"
    QUESTIONS = "questions"
    """The issue leaves open what is wanted."""
    RED_TEST = "red-test"
    """The new test passes before any change: is there a bug at all?"""
    TESTS = "tests"
    """The tests are still red after all rounds."""
    STUCK = "stuck"
    """The agent goes in circles or only talks."""
    CHANGE = "change"
    """The change is empty, the diff policy refuses it, it takes something from the tests, or it brings in
    dependencies."""
    PATCH = "patch"
    """What a stage made, where a run suggests instead of pushing."""
    CHECKS = "checks"
    MERGE = "merge"
    BUDGET = "budget"
    TURNS = "turns"
    TIME = "time"
    """It has worked for as long as it may."""
    PROVIDER = "provider"
    """The model's service refuses for good: key, quota, unknown model."""
    PLATFORM = "platform"
    OUTAGE = "outage"
    """Something does not answer; the run tries again by itself."""
    PAUSED = "paused"
    """Somebody paused it."""
    ORDER = "order"
    """Another issue, or another run of the repository, comes first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a run stands still and what to do about it."""

    gate: Gate
    reason: str
    hint: str
    person: bool = True
    """False where it will go on by itself."""


Decision = Literal["approve", "reject", "edit"]


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person says at a gate. `edit` replaces the plan by `text` and approves it."""

    gate: Gate
    decision: Decision
    by: str = ""
    text: str = ""
    option: str = ""
    """The plan's option that is to be followed, by its name. Empty: the recommended one."""
    patch: PatchRef | None = None
    """At the gate PATCH: the patch that was seen. None: whatever waits now."""


@dataclass(frozen=True, slots=True)
class Steer:
    """A message from a person to the agent; it reads it before its next turn."""

    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """More money, turns or hours for a run; negative amounts are refused."""

    add_usd: Decimal = Decimal(0)
    add_turns: int = 0
    by: str = ""
    add_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Control:
    """Who paused, resumed or cancelled, and why."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """Something happened on the platform. A reason to look, not something to believe."""

    kind: str = ""
    """An `EventKind`; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an update: what it did, in words."""

    message: str


@dataclass(frozen=True, slots=True)
class TestRun:
    """How a command of the project ended."""

    command: str
    exit_code: int
    seconds: float
    timed_out: bool = False
    tail: str = ""
    """The last characters of its output, at most 2,000: enough for a person or a prompt."""


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """How one of the project's gates beside the tests ended last."""

    name: str
    """build, typecheck or lint."""
    run: TestRun
    blocks: bool = False
    words: str = ""
    """Why it does not block though it is red, or was not run."""


@dataclass(frozen=True, slots=True)
class DiffRef:
    """The change so far: what it touches, and where the patch is stored."""

    blob: BlobId | None = None
    files: tuple[str, ...] = ()
    """At most 50 paths."""
    files_total: int = 0
    added: int = 0
    removed: int = 0
    refused: tuple[str, ...] = ()
    """What the diff policy refuses to publish."""
    ask: tuple[str, ...] = ()
    """Protected paths: a person must agree."""
    runs: tuple[str, ...] = ()
    """CI files and their versions: a push may have the platform run them, so a person is asked before."""
    weakened: tuple[str, ...] = ()
    """How it makes tests say less: not published unless a person allows it."""
    questions: tuple[str, ...] = ()
    """Tests that are gone: only a person can say whether that is right."""
    dependencies: tuple[str, ...] = ()
    """What it does to the packages that the project depends on, at most 50 lines."""
    wanted: tuple[str, ...] = ()
    """Those of them that a person must agree to."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """The answer of the `view` query: everything `status` and `watch` show, in small."""

    task_id: TaskId
    status: TaskStatus
    phase: Phase
    repo: RepoRef
    issue: str
    title: str = ""
    issue_url: str = ""
    waiting_for: Waiting | None = None
    branch: str = ""
    base_branch: str = ""
    pull_request: str = ""
    """The pull request's number and address, where there is one."""
    pull_request_url: str = ""
    merge_sha: str = ""
    agent: AgentChoice | None = None
    spend: Spend = field(default_factory=Spend)
    limits: Limits = field(default_factory=Limits)
    plan: str = ""
    """The plan in Markdown."""
    sandbox_tier: str = ""
    red_test: TestRun | None = None
    tests: TestRun | None = None
    gates: tuple[GateOutcome, ...] = ()
    diff: DiffRef | None = None
    session_id: SessionId | None = None
    session_workflow: str = ""
    """The child workflow that is running now, if any; its `progress` query has the live figures."""
    summary: str = ""
    notes: tuple[str, ...] = ()
    """What a reader should know: no test command, an install that failed, a dirty checkout."""
    measured: RunMetrics | None = None
    """At the end: what the run was and cost, step by step."""
    continues: Origin | None = None
    spent_before: Spend = field(default_factory=Spend)
    """By the runs that it goes on from; not in `spend`."""
    questions: tuple[Question, ...] = ()
    """Those that can be answered now."""
    options: tuple[DesignOption, ...] = ()
    """Those that can be chosen now."""
    decided: tuple[Decided, ...] = ()
    """What people answered and chose."""
    workflow_type: WorkflowType = "autonomous-dev"
    patch: PatchRef | None = None
    """The newest one that a run which pushes nothing has shown, or left."""
    suggested: bool = False
    """A person agreed to that patch, and it was handed over."""
    tries: tuple[TryOutcome, ...] = ()
    """What became of each, where there were several tries at the change."""


@dataclass(frozen=True, slots=True)
class DevResult:
    """How a run ended."""

    status: TaskStatus
    summary: str
    branch: str = ""
    pull_request_url: str = ""
    merge_sha: str = ""
    spend: Spend = field(default_factory=Spend)
    suggested: bool = False
    """It ended with a patch that a person agreed to, instead of a branch."""
