"""Judging by exit codes: is a test red, is the work green. Pure functions over finished commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tamma.model.task import TestRun

_SHELL_FAILURES = {126: "it could not be executed", 127: "the command was not found"}
_PYTEST_FAILURES = {4: "pytest was called wrongly (exit 4)", 5: "pytest collected no test (exit 5)"}
_UNITTEST_NO_TESTS = 5
"""Python 3.12 and newer: `python -m unittest` found nothing to run."""


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"
    INVALID = "invalid"
    """It says nothing about the problem: the command itself did not work."""


@dataclass(frozen=True, slots=True)
class Judgement:
    colour: Colour
    reason: str


def judge_red(run: TestRun) -> Judgement:
    """Whether a new test shows the problem: it must fail, and by itself."""
    if run.timed_out:
        return Judgement(Colour.INVALID, f"`{run.command}` did not end within {run.seconds:.0f} s")
    if run.exit_code == 0:
        return Judgement(Colour.GREEN, f"`{run.command}` passes on the unchanged code")
    broken = _broken(run)
    if broken is not None:
        return Judgement(Colour.INVALID, f"`{run.command}`: {broken}")
    return Judgement(Colour.RED, f"exit code {run.exit_code}")


def failing(runs: tuple[TestRun, ...], baseline: TestRun | None) -> TestRun | None:
    """The first command that blocks, or None where all is well.

    The repository's own tests (`baseline.command`) do not block where they were red before anything was
    changed: then only the run's own test counts, and the pull request says so.
    """
    for run in runs:
        if run.exit_code == 0 and not run.timed_out:
            continue
        if baseline is not None and run.command == baseline.command and is_red(baseline):
            continue
        return run
    return None


def is_red(run: TestRun) -> bool:
    return run.timed_out or run.exit_code != 0


def _broken(run: TestRun) -> str | None:
    if run.exit_code in _SHELL_FAILURES:
        return _SHELL_FAILURES[run.exit_code]
    if "pytest" in run.command:
        return _PYTEST_FAILURES.get(run.exit_code)
    if "unittest" in run.command and run.exit_code == _UNITTEST_NO_TESTS:
        return "no test was found (exit 5)"
    return None
