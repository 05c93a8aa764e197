"""A benchmark suite: tasks that can be worked on again and again, each with a way to grade the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NewType

from tamma.model.agent import TaskType, WorkContext

SuiteHash = NewType("SuiteHash", str)
"""`sha256:` and 64 hexadecimal digits over the canonical JSON of all tasks and of how they are graded."""


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What one trial may use. It ends as a failure there, and keeps its cost."""

    budget_usd: Decimal = Decimal("3.00")
    max_turns: int = 100
    minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class HiddenTests:
    """Tests that the agent never sees; they are put over its work and run."""

    patch: str = ""
    """A unified diff that adds or changes test files (SWE-bench's `test_patch`)."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Or whole files by their path."""
    command: str = ""
    """How they are run; empty: the project's own test command."""
    fail_to_pass: tuple[str, ...] = ()
    """Tests that must pass now. Empty: the command's exit code decides."""
    pass_to_pass: tuple[str, ...] = ()
    """Tests that must still pass."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A task without a repository: a scripted agent's outcome is drawn from its declared rates.

    For rehearsing a plan without a model or money; never shown as a model's work.
    """

    difficulty: float = 0.0
    """Added to both agents' log odds of success: below 0 is harder than declared, above easier."""


@dataclass(frozen=True, slots=True)
class SuiteTask:
    """One task."""

    id: str
    repository: str = ""
    """A clone address, or a local path. Empty in rehearsals."""
    base_commit: str = ""
    title: str = ""
    issue: str = ""
    """The issue's text in Markdown."""
    context: WorkContext = WorkContext.DEVELOPMENT
    task_type: TaskType = TaskType.CODE_GENERATION
    hidden_tests: HiddenTests = field(default_factory=HiddenTests)
    gold_patch: str = ""
    """A known solution, for checking the task itself and for the size of a good change."""
    review_patch: str = ""
    """In review tasks: the change to be judged."""
    review_approve: bool | None = None
    """In review tasks: whether it should be approved."""
    test_command: str = ""
    setup_command: str = ""
    limits: TaskLimits = field(default_factory=TaskLimits)
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True, slots=True)
class GraderWeights:
    """The share of each grader in the quality of 0 to 100; one without a word leaves its share to others."""

    hidden_tests: float = 0.7
    lint: float = 0.1
    diff_size: float = 0.2
    judge: float = 0.0
    """A model's word. Off by default: it costs money and is noisy; its own noise is measured and shown."""
    judge_provider: str = ""
    """The configured provider entry that judges; never the agent's own unless it is named here."""
    judge_model: str | None = None
    judge_times: int = 3
    """How often it is asked: the score is the mean, the spread is shown beside it."""
    expected_lines: int = 60
    """Changed lines of a good change, for the size where a task has no gold patch."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A named, content-hashed set of tasks."""

    name: str
    hash: SuiteHash
    tasks: tuple[SuiteTask, ...]
    description: str = ""
    graders: GraderWeights = field(default_factory=GraderWeights)


@dataclass(frozen=True, slots=True)
class SuiteRef:
    """A suite by name and content; its tasks are in the store."""

    name: str
    hash: SuiteHash
    tasks: int
