"""What makes a suite itself: the hash of its content, and what its tasks must have."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tamma.errors import ConfigError
from tamma.model.agent import WorkContext
from tamma.model.serial_suites import suite_json
from tamma.model.suite import GraderWeights, Suite, SuiteHash, SuiteRef, SuiteTask

MOST_TASKS = 100_000
LONGEST_NAME = 120


def hash_suite(suite: Suite) -> SuiteHash:
    """`sha256:…` over the canonical JSON of the tasks and the graders; the name does not count."""
    return SuiteHash("sha256:" + hashlib.sha256(suite_json(suite).encode()).hexdigest())


def make_suite(
    name: str, tasks: Sequence[SuiteTask], *, description: str = "", graders: GraderWeights | None = None
) -> Suite:
    """A suite of checked tasks with its hash. Raises ConfigError naming every task that cannot be graded."""
    check_name(name)
    if not tasks:
        raise ConfigError(f"the suite {name!r} has no task", hint="a suite needs one task at least")
    if len(tasks) > MOST_TASKS:
        raise ConfigError(f"the suite {name!r} has {len(tasks)} tasks", hint=f"{MOST_TASKS} at most")
    twice = [task_id for task_id, count in Counter(task.id for task in tasks).items() if count > 1]
    problems = [f"the id {task_id!r} is given to more than one task" for task_id in twice]
    for task in tasks:
        problems += [f"task {task.id!r}: {problem}" for problem in task_problems(task)]
    if problems:
        raise ConfigError(
            f"the suite {name!r} cannot be used: " + "; ".join(problems[:5])
            + (f"; and {len(problems) - 5} more" if len(problems) > 5 else ""),
            hint="docs/suites.md says what each kind of task needs",
        )  # fmt: skip
    suite = Suite(name, SuiteHash(""), tuple(tasks), description, graders or GraderWeights())
    return replace(suite, hash=hash_suite(suite))


def ref_of(suite: Suite) -> SuiteRef:
    """The reference that travels instead of the suite."""
    return SuiteRef(suite.name, suite.hash, len(suite.tasks))


def check_name(name: str) -> None:
    """Raises ConfigError unless `name` can name a suite."""
    if not name or len(name) > LONGEST_NAME or any(c.isspace() or ord(c) < 32 or c in "@/" for c in name):
        raise ConfigError(
            f"{name!r} cannot name a suite",
            hint=f"use up to {LONGEST_NAME} characters without spaces, '@' and '/'",
        )


def task_problems(task: SuiteTask) -> list[str]:
    """Why a task cannot be worked on or graded, in words; empty where it can."""
    if not task.id or len(task.id) > LONGEST_NAME or any(ord(c) < 32 for c in task.id):
        return [f"an id has 1 to {LONGEST_NAME} printable characters"]
    if task.rehearsal is not None:
        return []
    found: list[str] = []
    if not task.issue.strip() and not task.title.strip():
        found.append("it has no issue")
    if task.context is WorkContext.REVIEW:
        if not task.review_patch.strip():
            found.append("a review task needs the change to be judged (reviewPatch)")
        if task.review_approve is None:
            found.append("a review task needs to say whether it should be approved (reviewApprove)")
        return found
    if not task.repository:
        found.append("it has no repository")
    if not task.base_commit:
        found.append("it has no base commit")
    hidden = task.hidden_tests
    if task.context is WorkContext.TESTING:
        if not task.gold_patch.strip():
            found.append("a testing task needs the solution (goldPatch): the new test must pass with it")
    elif not (hidden.patch.strip() or hidden.files or hidden.command):
        found.append("a development task needs hidden tests (hiddenTests): nothing else grades it")
    return found
