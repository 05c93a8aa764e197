"""Which issues of a repository are taken by themselves: the rules, what a pass saw, what it took and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tamma.model.ids import TaskId, WorkflowId
from tamma.model.references import RepoRef
from tamma.model.task import AgentChoice, DevRequest, TaskStatus

SELECTION_WORKFLOW = "IssueSelection"
TICK_WORKFLOW = "SelectionTick"
MOST_LEFT = 50
"""Issues that are named with the reason why they were left; more are counted."""


def selection_id(repo: RepoRef) -> WorkflowId:
    """`select/<platformId>/<owner>/<repo>`: a repository's schedule, and its one pass at a time."""
    return WorkflowId(f"select/{repo.platform_id}/{repo.full_name.lower()}")


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """Which issues may be taken, and how many."""

    labels: tuple[str, ...] = ()
    """Every one of them must be there."""
    exclude_labels: tuple[str, ...] = ()
    """None of them may be."""
    concurrency: int = 1
    """Open runs of the repository, whoever began them, beyond which none is begun."""
    cool_down: float = 0.0
    """Seconds between the last beginning or end of a run of the repository and the next beginning. Where
    there is one, a pass takes one issue at most."""
    most: int = 5
    """Issues that one pass takes."""
    most_a_day: int = 20
    """Runs of the repository that begin within 24 hours."""
    retry_after: float = 86_400.0
    """Seconds after which an issue whose run failed may be taken again."""
    attempts: int = 2
    """Failed runs after which an issue is left to people."""


@dataclass(frozen=True, slots=True)
class SelectionRequest:
    """The input of `IssueSelection`: one pass over a repository's issues."""

    repo: RepoRef
    rules: SelectionRules
    order: DevRequest
    """What every run is started with; its task, its issue and (with `agent_name`) its agent are filled in."""
    agent_name: str = ""
    """The stored agent whose version is looked up as an issue is taken. Empty: `order` says who works."""
    dry_run: bool = False
    """Only say what would be taken."""
    settle: float = 2.0
    """Seconds after which the server's index surely has a run that was begun: a pass that began some ends
    no earlier, so that the next one counts them."""


@dataclass(frozen=True, slots=True)
class FoundIssue:
    """An issue that the rules let through."""

    number: str
    title: str
    created_at: datetime | None = None
    files: tuple[str, ...] = ()
    """Files that its text names."""
    before: tuple[str, ...] = ()
    """Open issues that its text says it depends on."""


@dataclass(frozen=True, slots=True)
class LeftIssue:
    """An issue that was not taken."""

    number: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run of the repository, as far as selection needs it."""

    workflow_id: WorkflowId
    task_id: TaskId
    issue: str
    status: TaskStatus
    started_at: datetime
    closed_at: datetime | None = None
    files: tuple[str, ...] = ()
    """What it changes, as far as known: of a live run its change so far and its plan, else its issue."""
    waits: bool = False
    """A live one has not begun: it waits for issues that its own depends on, with nothing in hand."""

    @property
    def live(self) -> bool:
        return self.closed_at is None

    @property
    def moved_at(self) -> datetime:
        """When it last began or ended."""
        return self.closed_at or self.started_at


@dataclass(frozen=True, slots=True)
class Traffic:
    """The repository's runs: all live ones, and the past ones of issues that may be taken."""

    live: tuple[KnownRun, ...] = ()
    past: tuple[KnownRun, ...] = ()
    begun_today: int = 0
    """Runs that began within the last 24 hours, live or not."""
    moved_at: datetime | None = None
    """When any run of the repository last began or ended."""


@dataclass(frozen=True, slots=True)
class IssuesSeen:
    """What a pass looked at."""

    issues: tuple[FoundIssue, ...]
    """Oldest first."""
    left: tuple[LeftIssue, ...] = ()
    """What the rules alone leave."""
    uncounted: int = 0
    """Further issues that the rules alone leave."""
    traffic: Traffic = Traffic()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be taken now, in order, and why the others not."""

    take: tuple[FoundIssue, ...]
    left: tuple[LeftIssue, ...]


@dataclass(frozen=True, slots=True)
class TakenIssue:
    """An issue whose run was begun."""

    number: str
    title: str
    task_id: TaskId
    workflow_id: WorkflowId


@dataclass(frozen=True, slots=True)
class SelectionView:
    """How a pass stands, or ended."""

    repo: RepoRef
    began_at: datetime
    dry_run: bool = False
    would_take: tuple[FoundIssue, ...] = ()
    """Of a dry run."""
    taken: tuple[TakenIssue, ...] = ()
    left: tuple[LeftIssue, ...] = ()
    uncounted: int = 0
    stopped: bool = False
    """Somebody stopped it: it took nothing more."""
    waiting: str = ""
    """What it waits for."""
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """A line for the log."""
        took = f"would take {len(self.would_take)}" if self.dry_run else f"took {len(self.taken)}"
        stopped = ", stopped" if self.stopped else ""
        return f"{self.repo.full_name}: {took}, left {len(self.left) + self.uncounted}{stopped}"


def run_request(
    request: SelectionRequest, issue: str, task: TaskId, agent: AgentChoice | None, *, again: bool
) -> DevRequest:
    """The order for the run of one issue. `again`: an earlier run failed and may have left its branch."""
    return replace(
        request.order,
        task_id=task,
        repo=request.repo,
        issue=issue,
        agent=agent or request.order.agent,
        suffix=f"again-{task[-6:]}" if again else "",
    )
