"""What a run knows about itself, and how it tells people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from activities.interface import AcceptedIssue, ProjectReport, PublishedBranch
from tamma.model.ids import BlobId, SessionId
from tamma.model.metrics import Cell, ModelUse, RunMetrics, StepMetrics
from tamma.model.planning import Answers, Decided, DesignOption, OpenPoints
from tamma.model.session import Opening, Stage
from tamma.model.suggestion import PatchRef, PatchStage
from tamma.model.task import (
    AgentChoice,
    DevRequest,
    DiffRef,
    Gate,
    GateOutcome,
    Phase,
    Spend,
    TaskStatus,
    TaskView,
    TestRun,
    Waiting,
)
from tamma.model.tries import TryOutcome
from workflows.measuring import Stopwatch


@dataclass(slots=True)
class RunState:
    """The run's memory; the workflow's history rebuilds it after any crash."""

    phase: Phase = Phase.ACCEPT
    status: TaskStatus = TaskStatus.RUNNING
    waiting: Waiting | None = None
    session_waiting: Waiting | None = None
    issue: AcceptedIssue | None = None
    project: ProjectReport | None = None
    test_command: str = ""
    plan: BlobId | None = None
    plan_markdown: str = ""
    open: OpenPoints = field(default_factory=OpenPoints)
    """What the plan leaves open."""
    answers: list[Answers] = field(default_factory=list[Answers])
    """What people answered that no plan has been made with yet."""
    decided: list[Decided] = field(default_factory=list[Decided])
    chosen: DesignOption | None = None
    """The option that came with the approval of the plan."""
    chosen_by: str = ""
    red_test: TestRun | None = None
    red_output: BlobId | None = None
    proof: BlobId | None = None
    proof_base: str = ""
    """The tests that showed the problem, as they were then."""
    agreed: list[str] = field(default_factory=list[str])
    """What a person let pass that takes something from the tests."""
    untested_because: str = ""
    tests: TestRun | None = None
    gates: dict[str, GateOutcome] = field(default_factory=dict[str, GateOutcome])
    """How the project's gates beside the tests ended last."""
    let_pass: list[str] = field(default_factory=list[str])
    """The gates that a person let be red."""
    diff: DiffRef | None = None
    review: str = ""
    published: PublishedBranch | None = None
    pull_request: str = ""
    pull_request_url: str = ""
    pull_request_new: bool = False
    """This run has opened it: all that is said there is said to it."""
    merge_sha: str = ""
    merged_at: datetime | None = None
    sandbox_tier: str = ""
    session_id: SessionId | None = None
    session_workflow: str = ""
    next_seq: int = 0
    spend: Spend = field(default_factory=Spend)
    stage: Stage | None = None
    """What its agent is at now, if anything, with what that began with, and at which entry."""
    opening: Opening | None = None
    since: int = 0
    solved: bool = False
    """The implementing stage came to its end once."""
    plan_agreed: bool = False
    patches_agreed: list[PatchStage] = field(default_factory=list[PatchStage])
    """Of a run that pushes nothing: the stages whose patch a person agreed to."""
    patch: PatchRef | None = None
    suggested: bool = False
    """That patch was agreed to, and handed over."""
    left: BlobId | None = None
    """Of a run that ended before its end: the work tree as it was then."""
    spent_before: Spend = field(default_factory=Spend)
    """By the runs that it goes on from."""
    worker: AgentChoice | None = None
    """Whose try was taken, where that is not the run's own agent: it goes on with the work."""
    tries: tuple[TryOutcome, ...] = ()
    """What became of each, where there were several tries at the change."""
    summary: str = ""
    words: list[str] = field(default_factory=list[str])
    """What people said that no agent has been given yet."""
    notes: list[str] = field(default_factory=list[str])
    watch: Stopwatch = field(default_factory=Stopwatch)
    steps: list[StepMetrics] = field(default_factory=list[StepMetrics])
    uses: list[ModelUse] = field(default_factory=list[ModelUse])
    green: bool | None = None
    """How the commands that block ended last; None before they ran."""
    fixes: int = 0
    """How often the agent was sent back because a command that blocks was red."""
    approved: bool | None = None
    """What the reviewer said of the change as it was first made; None where none was asked."""
    measured: RunMetrics | None = None
    cell: Cell | None = None
    """Of a live A/B test; None where the run belongs to none."""

    @property
    def waits_for(self) -> Waiting | None:
        """What stands still: the run itself, or its session."""
        return self.waiting or self.session_waiting

    @property
    def asks(self) -> OpenPoints:
        """What can be answered and chosen now."""
        gate = self.waiting.gate if self.waiting is not None else None
        if gate is Gate.PLAN:
            return self.open
        return replace(self.open, options=()) if gate is Gate.QUESTIONS else OpenPoints()

    def note(self, text: str) -> None:
        """Add a note once."""
        if text not in self.notes:
            self.notes.append(text)

    def note_stand_in(self, instead_of: Sequence[str]) -> None:
        """Say that another provider answered: what a run costs and is worth may differ by that."""
        for one in instead_of:
            self.note(one)


def branch_of(request: DevRequest, state: RunState) -> str:
    """The branch that the run delivers; empty where it does not know its issue yet, or delivers none."""
    return state.issue.branch if state.issue is not None and not request.assists else ""


def view(request: DevRequest, state: RunState) -> TaskView:
    """The answer of the `view` query."""
    waiting = state.waits_for
    status = state.status
    if status is TaskStatus.RUNNING and waiting is not None and waiting.person:
        status = TaskStatus.PAUSED
    issue = state.issue
    return TaskView(
        task_id=request.task_id,
        status=status,
        phase=state.phase,
        repo=request.repo,
        issue=request.issue,
        title=issue.title if issue else "",
        issue_url=issue.url if issue else "",
        waiting_for=waiting,
        branch=branch_of(request, state),
        base_branch=issue.base_branch if issue else "",
        pull_request=state.pull_request,
        pull_request_url=state.pull_request_url,
        merge_sha=state.merge_sha,
        agent=request.agent,
        spend=state.spend,
        limits=request.limits,
        plan=state.plan_markdown,
        sandbox_tier=state.sandbox_tier,
        red_test=state.red_test,
        tests=state.tests,
        gates=tuple(state.gates.values()),
        diff=state.diff,
        session_id=state.session_id,
        session_workflow=state.session_workflow,
        summary=state.summary,
        notes=tuple(state.notes),
        measured=state.measured,
        continues=request.continues,
        spent_before=state.spent_before,
        questions=state.asks.questions,
        options=state.asks.options,
        decided=tuple(state.decided),
        workflow_type=request.workflow_type,
        patch=state.patch,
        suggested=state.suggested,
        tries=state.tries,
    )


def _agent(request: DevRequest) -> str:
    agent = request.agent
    who = f"{agent.provider} {agent.model or ''}".strip()
    return f"{agent.label} ({who})" if agent.version is not None else who


def details(request: DevRequest, state: RunState) -> str:
    """The run in Markdown, for the Web UI's current details."""
    title = state.issue.title if state.issue else f"issue {request.issue}"
    lines = [f"### {request.repo.full_name}#{request.issue}: {title}", ""]
    waiting = state.waits_for
    if waiting is not None:
        lines += [f"**Waiting ({waiting.gate}):** {waiting.reason}", "", f"*{waiting.hint}*", ""]
    money = f"{state.spend.cost_usd:.4f} of {request.limits.budget_usd:.2f} USD"
    if state.spend.unpriced_calls:
        money += f", and {state.spend.unpriced_calls} calls of unknown price"
    lines += [
        f"| phase | {state.phase} |",
        "|---|---|",
        f"| agent | {_agent(request)} |",
        f"| spent | {money}, {state.spend.turns} model calls |",
    ]
    if request.continues is not None:
        before = f"{state.spent_before.cost_usd:.4f} USD were spent there"
        lines.append(f"| goes on from | {request.continues.task_id}, {before} |")
    if request.assists:
        lines.append(f"| pushes | nothing: {request.workflow_type} |")
    elif state.issue is not None:
        lines.append(f"| branch | `{state.issue.branch}` on `{state.issue.base_branch}` |")
    if state.pull_request_url:
        lines.append(f"| pull request | {state.pull_request_url} |")
    if state.sandbox_tier:
        lines.append(f"| sandbox | {state.sandbox_tier} |")
    if state.plan_markdown:
        lines += ["", "#### Plan", "", state.plan_markdown]
    if state.notes:
        lines += ["", *(f"- {note}" for note in state.notes)]
    return "\n".join(lines)
