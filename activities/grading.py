"""Grading: the hidden tests and the other graders, on a clean copy of the work.

The copy is restored before every attempt, so that an attempt that a crash cut short leaves nothing behind.
What is measured here becomes parts of the quality by pure functions (`tamma.suites.graders`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import Pulse, beating, heard
from activities.interface.trials import GRADE_REVIEW, GRADE_WORK, Graded, GradeReview, GradeWork
from activities.workspace import GATE_ENV
from tamma.agents.judgement import Colour, judge_red
from tamma.errors import ConfigError, PathDenied
from tamma.model.agent import WorkContext
from tamma.model.metrics import QualityPart
from tamma.model.suite import GraderWeights, SuiteHash, SuiteTask
from tamma.model.task import TestRun
from tamma.store.interface import Store, SuiteStore
from tamma.suites.graders import lint, parts, running
from tamma.suites.graders.outcomes import judge_hidden
from tamma.suites.patches import changed_lines, is_test_path
from tamma.workspace.interface import CommandResult, FileDiff, Workspace, Workspaces

BROKEN_TASK = "broken-task"
"""The error type where the task itself cannot be graded: no agent's fault, and shown as such."""
HIDDEN_TESTS, NOT_RED, VERDICT = "hidden-tests", "not-red", "verdict"
_LINT_SECONDS = 120.0
_REPORTED = 200_000
"""Characters of the hidden tests' output that are kept."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One grading: what is graded, by what, and how long it may take."""

    workspace: Workspace
    task: SuiteTask
    weights: GraderWeights
    given: GradeWork
    pulse: Pulse

    async def run(self, command: str, seconds: float | None = None) -> CommandResult:
        return await self.workspace.run(
            command, timeout=seconds or self.given.timeout, progress=self.pulse.say, env=GATE_ENV
        )


class GradingActivities:
    """Holds this host's workspaces and the store."""

    def __init__(self, workspaces: Workspaces, store: Store) -> None:
        self._workspaces = workspaces
        self._store = store
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @activity.defn(name=GRADE_WORK.name)
    @failing_well
    async def grade_work(self, given: GradeWork) -> Graded:
        """Lay the hidden tests over the copy and run them; look at the change with the other graders."""
        task, weights = await read_task(self._store, given.suite, given.unit)
        async with self._locks[given.workspace_id], beating() as pulse:
            workspace = await self._workspaces.open(given.workspace_id)
            await workspace.begin_batch(0)  # a later attempt finds the copy as the first one did
            job = _Job(workspace, task, weights, given, pulse)
            if task.context is WorkContext.TESTING:
                return await _grade_red_test(job)
            return await self._grade_change(job)

    @activity.defn(name=GRADE_REVIEW.name)
    @failing_well
    @heard
    async def grade_review(self, given: GradeReview) -> Graded:
        """Compare the verdict with the one that is right."""
        task, _ = await read_task(self._store, given.suite, given.unit)
        should = bool(task.review_approve)
        part = parts.verdict_part(approved=given.approved, should=should)
        return Graded((part,), "" if given.approved is should else VERDICT, part.detail)

    async def _grade_change(self, job: _Job) -> Graded:
        diff = await job.workspace.diff()
        changed = sum(item.added + item.removed for item in diff.files if not is_test_path(item.path))
        expected = changed_lines(job.task.gold_patch) or job.weights.expected_lines
        others = (await _lint(job, diff.files), parts.size_part(changed, expected, job.weights))
        hidden, error_type, output = await _hidden(job)
        kept = await self._store.put_blob(output[-_REPORTED:].encode("utf-8", "replace"), "text/plain")
        if hidden is None:
            return Graded((), error_type, output[:500], kept)
        found = (hidden, *(part for part in others if part is not None))
        return Graded(found, error_type, hidden.detail, kept)


async def read_task(store: SuiteStore, suite: SuiteHash, unit: str) -> tuple[SuiteTask, GraderWeights]:
    """A task and how it is graded. Raises ConfigError where the suite has no such task."""
    task, weights = await store.read_task(suite, unit), await store.read_graders(suite)
    if task is None or weights is None:
        raise ConfigError(
            f"the suite {suite[:19]!r} has no task {unit!r}", hint="see its tasks with `tamma bench show`"
        )
    return task, weights


async def _hidden(job: _Job) -> tuple[QualityPart | None, str, str]:
    """The hidden tests' part (None: they cannot be run), the error type, and what they printed."""
    hidden = job.task.hidden_tests
    command = hidden.command or job.given.test_command
    if not command:
        return None, BROKEN_TASK, "no command runs the hidden tests"
    job.pulse.say("lay the hidden tests over a copy of the work")
    try:
        await job.workspace.overlay(hidden.patch, hidden.files)
    except ConfigError as error:
        return None, BROKEN_TASK, error.message
    except (PathDenied, OSError) as error:
        why = f"the hidden tests could not be laid over the work: {error}"
        return parts.nothing_part(why, job.weights), HIDDEN_TESTS, why
    named = bool(hidden.fail_to_pass or hidden.pass_to_pass)
    result = await job.run(running.logged(running.naming(command) if named else command))
    try:
        output = await job.workspace.read_text(running.OUTPUT, running.MOST_BYTES)
    except (OSError, PathDenied):
        output = result.output  # it was ended before anything was kept
    outcome = judge_hidden(hidden, output, result.exit_code, timed_out=result.timed_out)
    # Never the task's fault from here on: what the work did to the tests' surroundings is the work's.
    return parts.hidden_part(outcome, job.weights), "" if outcome.passed else HIDDEN_TESTS, output


async def _lint(job: _Job, files: tuple[FileDiff, ...]) -> QualityPart | None:
    profile = await job.workspace.profile()
    paths = [item.path for item in files if item.status != "D" and item.path.endswith((".py", ".pyi"))]
    if not lint.configured(profile.lint.command if profile.lint else None) or not paths:
        return None
    result = await job.run(lint.lint_command(paths, job.workspace.info.base_sha), _LINT_SECONDS)
    if result.exit_code != 0 or result.timed_out or result.truncated_bytes:
        return None
    base, work = lint.read_findings(result.output)
    return parts.lint_part(base, work, job.weights)


async def _grade_red_test(job: _Job) -> Graded:
    """The new test must fail at the base, by itself, and pass with the known solution."""
    command = job.given.red_test
    if not command:
        return _not_red("no test was written")
    judged = judge_red(_test_run(command, await job.run(command)))
    if judged.colour is not Colour.RED:
        return _not_red(judged.reason)
    try:
        await job.workspace.overlay(job.task.gold_patch, {})
    except ConfigError as error:
        return Graded((), BROKEN_TASK, error.message)
    except (PathDenied, OSError) as error:
        return _not_red(f"the known solution could not be laid over the work: {error}")
    after = await job.run(command)
    fixed = after.exit_code == 0 and not after.timed_out
    found = parts.red_test_parts(red=True, fixed=fixed)
    return Graded(found, "" if fixed else HIDDEN_TESTS, found[1].detail)


def _not_red(why: str) -> Graded:
    return Graded(parts.red_test_parts(red=False, fixed=None, why=why[:500]), NOT_RED, why[:500])


def _test_run(command: str, result: CommandResult) -> TestRun:
    return TestRun(command, result.exit_code, result.seconds, result.timed_out)
