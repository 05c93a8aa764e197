"""Merged changes as tasks: real repositories, real sandboxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamma.errors import ConfigError
from tamma.model.suite import SuiteTask
from tamma.store.memory import MemoryStore
from tamma.suites.history import Change, Skipped, changes, hidden_command, task_of
from tamma.suites.patches import touched_paths
from tamma.suites.verify import verify
from tamma.workspace.local import LocalWorkspaces
from tests.support.loop import git

TEST = (
    "import unittest\n\nfrom calc import {name}\n\n\nclass {name}Test(unittest.TestCase):\n"
    "    def test_{name}(self):\n        self.assertEqual({name}(2), {value})\n"
)


def commit(folder: Path, message: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Five changes: one merged, one squashed, and three that make no task."""
    folder = tmp_path / "calc"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    base = "def twice(x):\n    return x\n\n\ndef half(x):\n    return x\n"
    commit(folder, "first", {"calc.py": base, "tests/__init__.py": ""})
    git(folder, "checkout", "-q", "-b", "fix-twice")
    right = base.replace("return x\n", "return x * 2\n", 1)
    commit(
        folder,
        "Multiply\n\nFixes #7",
        {"calc.py": right, "tests/test_twice.py": TEST.format(name="twice", value=4)},
    )
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "Merge pull request #8 from acme/fix-twice", "fix-twice")
    both = right.replace("return x\n", "return x / 2\n")
    commit(
        folder,
        "Halve (#9)\n\nCloses acme/calc#3\n\nSigned-off-by: A <a@b>",
        {"calc.py": both, "tests/test_half.py": TEST.format(name="half", value=1)},
    )
    commit(folder, "Tidy without a test", {"calc.py": both + "\n"})
    commit(folder, "More tests (#10)", {"tests/test_more.py": TEST.format(name="half", value=1)})
    always = TEST.format(name="half", value=1).replace("half(2), 1", "1, 1").replace("test_half", "test_same")
    commit(folder, "Closes #11", {"calc.py": both, "tests/test_same.py": always})
    return folder


def tasks(repository: Path) -> dict[str, SuiteTask | Skipped]:
    found = changes(repository)
    return {
        change.subject: task_of(
            repository,
            str(repository),
            change,
            f"# Issue {change.issue}\n" if change.issue else None,
            messages=False,
        )
        for change in found
    }


def test_which_changes_make_tasks(repository: Path) -> None:
    found = tasks(repository)
    merged, squashed = found["Merge pull request #8 from acme/fix-twice"], found["Halve (#9)"]
    assert isinstance(merged, SuiteTask)
    assert isinstance(squashed, SuiteTask)
    assert merged.issue == "# Issue 7\n"
    assert squashed.id.startswith("3-")
    assert merged.base_commit == git(repository, "rev-list", "--max-parents=0", "HEAD")
    assert touched_paths(merged.gold_patch) == ("calc.py",)
    assert touched_paths(merged.hidden_tests.patch) == ("tests/test_twice.py",)
    whys = {subject: each.why for subject, each in found.items() if isinstance(each, Skipped)}
    assert whys["Tidy without a test"] == "it touches no test"
    assert whys["More tests (#10)"] == "it touches nothing but tests"


def test_a_commits_words_stand_in_only_where_asked_for(repository: Path) -> None:
    change = next(each for each in changes(repository) if each.subject == "Halve (#9)")
    refused = task_of(repository, "x", change, None, messages=False)
    assert isinstance(refused, Skipped)
    assert "issue #3 cannot be read" in refused.why
    taken = task_of(repository, "x", change, None, messages=True)
    assert isinstance(taken, SuiteTask)
    assert "Signed-off-by" not in taken.issue
    assert "Closes" not in taken.issue


@pytest.mark.slow
async def test_only_tasks_that_are_right_are_kept(repository: Path, tmp_path: Path) -> None:
    workspaces = LocalWorkspaces(tmp_path / "workspaces", MemoryStore())
    found = tasks(repository)
    kept = await verify(workspaces, _task(found["Halve (#9)"]), lambda _: None)
    assert kept.task is not None, kept.why
    assert kept.task.hidden_tests.command == "python -m unittest -v tests.test_half"
    assert [name.partition(" ")[0] for name in kept.task.hidden_tests.fail_to_pass] == ["test_half"]
    left = (
        await verify(workspaces, _task(found["Closes #11"]), lambda _: None)
        if isinstance(found["Closes #11"], SuiteTask)
        else None
    )
    assert left is None or left.task is None
    await workspaces.aclose()


def _task(made: SuiteTask | Skipped) -> SuiteTask:
    assert isinstance(made, SuiteTask), made.why
    return made


@pytest.mark.parametrize(
    ("command", "paths", "expected"),
    [
        (
            "python -m pytest -q",
            ("tests/test_a.py", "tests/data.json"),
            "python -m pytest -rap --tb=short tests/test_a.py",
        ),
        ("python -m unittest discover -v", ("tests/test_a.py",), "python -m unittest -v tests.test_a"),
        ("go test ./...", ("a_test.go",), "go test ./..."),
        ("python -m pytest -q", ("tests/conftest.py",), "python -m pytest -q"),
    ],
)
def test_just_the_hidden_tests_are_run(command: str, paths: tuple[str, ...], expected: str) -> None:
    assert hidden_command(command, paths) == expected


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`git log` failed"):
        changes(tmp_path)


@pytest.mark.parametrize(
    ("message", "issue"),
    [("fixes #12", "12"), ("Resolves: acme/calc#3", "3"), ("prefixes #4", ""), ("see #5", "")],
)
def test_which_issue_a_change_closes(tmp_path: Path, message: str, issue: str) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "first", {"a": "1"})
    commit(folder, f"second\n\n{message}", {"a": "2"})
    found: Change = changes(folder)[0]
    assert found.issue == issue
