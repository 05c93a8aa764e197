"""The sample suite: made alike everywhere, every task right: red before its solution, green after it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.model.agent import WorkContext
from tamma.model.suite import Suite, SuiteTask
from tamma.suites.graders.outcomes import judge_hidden
from tamma.suites.samples import sample_suite


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return sample_suite(tmp_path_factory.mktemp("s"), name="samples")


def test_the_commits_are_the_same_everywhere(suite: Suite, tmp_path: Path) -> None:
    again = sample_suite(tmp_path, name="samples")
    assert [task.base_commit for task in again.tasks] == [task.base_commit for task in suite.tasks]
    assert sample_suite(tmp_path, name="samples") == again
    assert {task.context for task in suite.tasks} == set(WorkContext)
    shown = " ".join(str(path) for path in tmp_path.rglob("*") if ".git" not in path.parts)
    assert "hidden" not in shown


def outcome(task: SuiteTask, folder: Path) -> tuple[int, int, bool]:
    for path, text in task.hidden_tests.files.items():
        (folder / path).write_text(text)
    command = task.hidden_tests.command.replace("python3", f"{sys.executable} -B")
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    found = judge_hidden(task.hidden_tests, done.stdout + done.stderr, done.returncode)
    return found.fixed, found.kept, found.passed


@pytest.mark.parametrize("task_id", ["slug-words", "spans-merged"])
def test_hidden_tests_fail_before_the_solution_and_pass_after_it(
    suite: Suite, task_id: str, tmp_path: Path
) -> None:
    task = next(task for task in suite.tasks if task.id == task_id)
    work = tmp_path / "work"
    shutil.copytree(task.repository, work)
    fixed, kept, passed = outcome(task, work)
    assert (fixed, kept, passed) == (0, len(task.hidden_tests.pass_to_pass), False)
    subprocess.run(["git", "apply", "-"], cwd=work, input=task.gold_patch, text=True, check=True)
    assert outcome(task, work) == (
        len(task.hidden_tests.fail_to_pass),
        len(task.hidden_tests.pass_to_pass),
        True,
    )


def test_every_patch_fits(suite: Suite, tmp_path: Path) -> None:
    repositories = {Path(task.repository).name: task.repository for task in suite.tasks if task.repository}
    for task in suite.tasks:
        patch = task.review_patch or task.gold_patch
        where = task.repository or repositories["timekit"]
        done = subprocess.run(
            ["git", "apply", "--check", "-"],
            cwd=where,
            input=patch,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (task.id, done.stderr)
