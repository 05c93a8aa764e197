"""Views and records of made-up runs, for tests of what is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tamma.model.ids import BlobId, SessionId, TaskId, WorkflowId
from tamma.model.planning import Decided, DesignOption, Question
from tamma.model.repository import RepoRef
from tamma.model.session import SessionProgress, Stage
from tamma.model.task import (
    AgentChoice,
    DiffRef,
    Gate,
    Phase,
    Spend,
    TaskStatus,
    TaskView,
    TestRun,
    Waiting,
)
from tamma.temporal.run_index import RunRecord

TASK = TaskId("01a204f2-dc75-73f8-af08-410ef9fd103d")
STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

BEGUN = TaskView(
    task_id=TASK,
    status=TaskStatus.RUNNING,
    phase=Phase.CONTEXT,
    repo=RepoRef("github.com", "acme", "tools"),
    issue="12",
    title="Empty input crashes",
    issue_url="https://github.com/acme/tools/issues/12",
    branch="tamma/12-empty-input-crashes",
    base_branch="main",
    agent=AgentChoice("anthropic-claude", "claude-x"),
)
PLANNED = replace(
    BEGUN,
    phase=Phase.RED_TEST,
    sandbox_tier="bwrap",
    plan="The parser takes empty input for a number.\n\n1. Test it\n2. Mend it",
    spend=Spend(1, 900, 250, 0, Decimal("0.0065")),
    session_id=SessionId(f"{TASK}/agent"),
    session_workflow="dev/github.com/acme/tools/12/session-1",
)
GATED = replace(
    PLANNED,
    phase=Phase.APPROVE_PLAN,
    status=TaskStatus.PAUSED,
    session_workflow="",
    waiting_for=Waiting(Gate.PLAN, "the plan waits for approval", "`tamma approve TASK`"),
)
ASKING = replace(
    PLANNED,
    phase=Phase.PLAN,
    status=TaskStatus.PAUSED,
    session_workflow="",
    waiting_for=Waiting(Gate.QUESTIONS, "the issue leaves open what is wanted", "`tamma answer TASK`"),
    questions=(
        Question("q1", "An error?", "callers", ("an error", "nothing"), "nothing"),
        Question("q2", "Since when?"),
    ),
)
CHOOSING = replace(
    GATED,
    options=(
        DesignOption("guard", "return early", recommended=True),
        DesignOption("grammar", cons=("bigger",)),
    ),
    decided=(Decided("An error?", "nothing", "ada"), Decided("Since when?", "always")),
)
DONE = replace(
    PLANNED,
    phase=Phase.DONE,
    status=TaskStatus.COMPLETED,
    session_workflow="",
    red_test=TestRun("pytest tests/test_parse.py", 1, 0.4),
    tests=TestRun("pytest", 0, 2.5),
    diff=DiffRef(BlobId("sha256:" + "0" * 64), ("parse.py", "tests/test_parse.py"), 2, 14, 3),
    pull_request="7",
    pull_request_url="https://github.com/acme/tools/pull/7",
    merge_sha="0123456789abcdef0123456789abcdef01234567",
    spend=Spend(9, 41_200, 1_900, 30_000, Decimal("0.1834")),
    summary="Empty input is an empty document now.",
    notes=("the repository's own tests were red before",),
)
FAILED = replace(
    PLANNED,
    status=TaskStatus.FAILED,
    session_workflow="",
    summary="the change cannot be published: it is empty",
)


def progress(turns: int, *last: str, doing: str = "model") -> SessionProgress:
    spend = Spend(turns, 1000 * turns, 100 * turns, 0, Decimal("0.01") * turns)
    return SessionProgress(SessionId(f"{TASK}/agent"), Stage.RED_TEST, spend, 2 * turns, doing, last)


def record(view: TaskView = BEGUN, *, closed: datetime | None = None) -> RunRecord:
    return RunRecord(
        workflow_id=WorkflowId("dev/github.com/acme/tools/12"),
        run_id="run-1",
        task_id=view.task_id,
        status=view.status,
        phase=view.phase,
        repo="acme/tools",
        issue="12",
        started_at=STARTED,
        closed_at=closed,
        title=view.title,
        agent="anthropic-claude/claude-x",
    )
