"""What a workflow needs to call an activity: its name, its input, its output. Imports the model alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tamma.model.agent import ContextStrategy, TaskType
from tamma.model.commands import Mark
from tamma.model.gates import ProjectGate
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.metrics import ModelUse
from tamma.model.planning import Decided, OpenPoints
from tamma.model.project import ProjectPolicy
from tamma.model.repository import CheckSummary, MergeMethod, MergeOutcome, Obstacle, RepoRef, Rerun, Target
from tamma.model.session import (
    BatchOutcome,
    ModelTurn,
    Opening,
    WorkspaceOrder,
    WorkspaceRef,
)
from tamma.model.task import AgentChoice, DiffRef, GateOutcome, NewDependencies, Spend, TestRun

I = TypeVar("I")  # noqa: E741 - the input of an activity
O = TypeVar("O")  # noqa: E741 - its output


@dataclass(frozen=True, slots=True)
class Activity(Generic[I, O]):
    """A typed name. `run` in workflows/calls.py is the only caller."""

    name: str
    output: type[O]


@dataclass(frozen=True, slots=True)
class Done:
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    blob: BlobId


# --- the issue and the pull request --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AcceptIssue:
    task_id: TaskId
    repo: RepoRef
    issue: str
    issue_text: str | None
    base: str | None
    suffix: str


@dataclass(frozen=True, slots=True)
class AcceptedIssue:
    """The issue as it was when the run began; later edits do not reach the model."""

    number: str
    title: str
    url: str
    snapshot: BlobId
    """Markdown: the title, the body, and the comments of people who may write."""
    clone_url: str
    base_branch: str
    base_sha: str
    branch: str
    capabilities: tuple[str, ...]
    task_type: TaskType = TaskType.CODE_GENERATION
    read: Mark | None = None
    """The end of its conversation then; None: from before it was noted."""
    depends_on: tuple[str, ...] = ()
    """Issues of the same repository that its text says come before it."""


ACCEPT_ISSUE: Activity[AcceptIssue, AcceptedIssue] = Activity("accept_issue", AcceptedIssue)


@dataclass(frozen=True, slots=True)
class OpenPullRequest:
    task_id: TaskId
    repo: RepoRef
    head: str
    base: str
    issue: str
    issue_title: str
    plan: BlobId | None
    summary: str
    red_test: TestRun | None
    tests: TestRun | None
    sandbox_tier: str
    spend: Spend
    agent: AgentChoice
    review: str
    notes: tuple[str, ...] = ()
    issue_url: str = ""
    """Where to read on, on platforms that take only the beginning of the description."""
    gates: tuple[GateOutcome, ...] = ()
    dependencies: tuple[str, ...] = ()
    """What the change does to the packages that the project depends on."""


@dataclass(frozen=True, slots=True)
class OpenedPullRequest:
    number: str
    url: str
    head_sha: str
    created: bool = False
    """False where it was there already: an earlier attempt or run has opened it."""


OPEN_PULL_REQUEST: Activity[OpenPullRequest, OpenedPullRequest] = Activity(
    "open_pull_request", OpenedPullRequest
)


@dataclass(frozen=True, slots=True)
class AwaitChecks:
    """One attempt is one look; it fails in a benign way until there is an answer."""

    repo: RepoRef
    sha: str
    grace: float
    poll: float
    reruns: tuple[Rerun, ...] = ()
    """Runs that were asked for again: as long as one is under way, what it said before does not count."""


AWAIT_CHECKS: Activity[AwaitChecks, CheckSummary] = Activity("await_checks", CheckSummary)


@dataclass(frozen=True, slots=True)
class Merge:
    task_id: TaskId
    repo: RepoRef
    head_sha: str
    """The reviewed commit: nothing else is merged."""
    branch: str
    base_branch: str
    pull_request: str | None
    """None: merge the branch itself (plain Git)."""
    method: MergeMethod
    message: str
    poll: float


@dataclass(frozen=True, slots=True)
class Merged:
    outcome: MergeOutcome
    sha: str = ""
    reason: str = ""
    ready: bool = False
    """Of a refusal: the platform had said that nothing stands in the way."""
    obstacle: Obstacle | None = None
    """Of a refusal: what the branch itself can be rid of."""


MERGE: Activity[Merge, Merged] = Activity("merge", Merged)


@dataclass(frozen=True, slots=True)
class CloseIssue:
    task_id: TaskId
    repo: RepoRef
    issue: str
    comment: str
    branch: str
    head_sha: str
    delete_branch: bool
    pull_request_url: str = ""
    """Where to read on, on platforms that take only the beginning of the comment."""


CLOSE_ISSUE: Activity[CloseIssue, Done] = Activity("close_issue", Done)


@dataclass(frozen=True, slots=True)
class Comment:
    task_id: TaskId
    repo: RepoRef
    target: Target
    key: str
    """Names the comment within the run: the same key again updates it."""
    body: str


COMMENT: Activity[Comment, Done] = Activity("comment", Done)

# --- the workspace -------------------------------------------------------------------------------

PREPARE_WORKSPACE: Activity[WorkspaceOrder, WorkspaceRef] = Activity("prepare_workspace", WorkspaceRef)


@dataclass(frozen=True, slots=True)
class SetUpProject:
    workspace_id: str
    test_command: str | None
    baseline: bool
    """Whether to run the project's tests as they are; not needed after a rebuild."""
    timeout: float
    map_files: int = ContextStrategy().map_files
    """Files that the context lists, at most."""
    map_tokens: int = 0
    """Tokens of the repository's map, at most. 0: none is drawn."""
    issue: BlobId | None = None
    """What the work is about: it decides whose instructions and tests are nearest, and what the map adds."""


@dataclass(frozen=True, slots=True)
class ProjectReport:
    context: BlobId
    """Markdown for the model: files, instructions, commands, the baseline's outcome."""
    test_command: str
    """Empty where none was given or found."""
    test_source: str
    ecosystems: tuple[str, ...]
    install_ok: bool
    install_tail: str
    baseline: TestRun | None
    policy: ProjectPolicy = field(default_factory=ProjectPolicy)
    """The care that the repository asks for."""
    troubles: tuple[str, ...] = ()
    """What its own file says and nobody understands."""
    gates: tuple[ProjectGate, ...] = ()
    """Its build, type checker and linter, with how they ended as it was."""


SET_UP_PROJECT: Activity[SetUpProject, ProjectReport] = Activity("set_up_project", ProjectReport)


@dataclass(frozen=True, slots=True)
class RunTools:
    workspace_id: str
    session_id: SessionId
    seq: int
    """Of the assistant's entry whose calls are to run."""
    agent: AgentChoice | None = None
    """Whose calls they are: what it may not use is refused. None: any tool."""


RUN_TOOLS: Activity[RunTools, BatchOutcome] = Activity("run_tools", BatchOutcome)


@dataclass(frozen=True, slots=True)
class RunCommand:
    workspace_id: str
    command: str
    timeout: float


@dataclass(frozen=True, slots=True)
class CommandRun:
    test: TestRun
    output: BlobId


RUN_COMMAND: Activity[RunCommand, CommandRun] = Activity("run_command", CommandRun)


@dataclass(frozen=True, slots=True)
class WorkspaceOnly:
    workspace_id: str


@dataclass(frozen=True, slots=True)
class KeepProof:
    workspace_id: str
    test_files: tuple[str, ...]
    """What the agent calls its tests; changed files with a test's name are kept in any case."""


KEEP_PROOF: Activity[KeepProof, Stored] = Activity("keep_proof", Stored)
"""The tests as they were when they showed the problem: path -> text, as JSON."""


@dataclass(frozen=True, slots=True)
class CollectDiff:
    workspace_id: str
    proof: BlobId | None = None
    """Of `KEEP_PROOF`; None where no test showed the problem."""
    proof_base: str = ""
    """The commit that the work was on then; empty: the one that it is on now."""
    new_dependencies: NewDependencies = "ask"
    issue: BlobId | None = None
    """What the work is about: whether it names what is brought in."""


COLLECT_DIFF: Activity[CollectDiff, DiffRef] = Activity("collect_diff", DiffRef)
CHECKPOINT: Activity[WorkspaceOnly, Stored] = Activity("checkpoint", Stored)
RELEASE_WORKSPACE: Activity[WorkspaceOnly, Done] = Activity("release_workspace", Done)


@dataclass(frozen=True, slots=True)
class PublishBranch:
    task_id: TaskId
    workspace_id: str
    repo: RepoRef
    branch: str
    base_sha: str
    message: str
    key: str
    """Names the commit within the run: publishing the same key again is done already."""
    expected_sha: str | None
    """Where the branch was left by this run's last publication; None before the first."""


@dataclass(frozen=True, slots=True)
class PublishedBranch:
    sha: str
    created: bool


PUBLISH_BRANCH: Activity[PublishBranch, PublishedBranch] = Activity("publish_branch", PublishedBranch)

# --- the model -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallModel:
    """One turn of an agent. The answer goes to the transcript; what comes back is small."""

    session_id: SessionId
    seq: int
    """The next free entry of the transcript."""
    agent: AgentChoice
    opening: Opening | None
    """Rendered and added as a user message where the stage begins."""
    messages: tuple[str, ...]
    """Further words for the agent: nudges, steering, what remains."""
    repo_label: str
    fairness_key: str = ""
    step: str = "implement"
    """Which of the configuration's steps this is, for the choice of provider and model."""


CALL_MODEL: Activity[CallModel, ModelTurn] = Activity("call_model", ModelTurn)


@dataclass(frozen=True, slots=True)
class MakePlan:
    session_id: SessionId
    agent: AgentChoice
    issue: BlobId
    context: BlobId
    feedback: str = ""
    """A person's words on the last plan, when it was sent back."""
    round: int = 0
    decided: tuple[Decided, ...] = ()
    """What people have answered and chosen so far: it is part of the plan."""


@dataclass(frozen=True, slots=True)
class PlanMade:
    plan: BlobId
    """Markdown."""
    summary: str
    steps: int
    structured: bool
    """False where the model gave no readable plan and its words were taken as they are."""
    markdown: str
    """The plan itself, at most 6,000 characters: people approve it from the Web UI."""
    spend: Spend
    instead_of: tuple[str, ...] = ()
    """A line for each provider that should have answered and could not."""
    use: ModelUse = field(default_factory=ModelUse)
    open: OpenPoints = field(default_factory=OpenPoints)
    """What the plan leaves open."""


MAKE_PLAN: Activity[MakePlan, PlanMade] = Activity("make_plan", PlanMade)


@dataclass(frozen=True, slots=True)
class ReviewChange:
    session_id: SessionId
    agent: AgentChoice
    issue: BlobId
    plan: BlobId
    diff: BlobId
    tests: str


@dataclass(frozen=True, slots=True)
class ReviewMade:
    approved: bool
    comments: tuple[str, ...]
    """At most 10, each at most 500 characters."""
    summary: str
    spend: Spend
    instead_of: tuple[str, ...] = ()
    """As in `PlanMade`."""
    use: ModelUse = field(default_factory=ModelUse)


REVIEW_CHANGE: Activity[ReviewChange, ReviewMade] = Activity("review_change", ReviewMade)

# --- the store -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutText:
    text: str


PUT_TEXT: Activity[PutText, Stored] = Activity("put_text", Stored)


@dataclass(frozen=True, slots=True)
class RecordEvent:
    task_id: TaskId
    key: str
    """Makes the event's id, so that recording it twice is once."""
    type: str
    tags: tuple[str, ...]
    data: dict[str, str] = field(default_factory=dict[str, str])
    actor: str = "tamma"
    standing: str = ""
    """How the run stands (a `Standing` as JSON): kept beside the event, for others that go on from there."""


RECORD_EVENT: Activity[RecordEvent, Done] = Activity("record_event", Done)
