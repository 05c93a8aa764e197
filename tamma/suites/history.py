"""Merged changes as tasks: the commit before a change, its tests hidden, the rest of it as the solution.

Looked at are the commits of the branch's first-parent line: a merge is one change (against its first parent),
and so is a single commit, as a squashed pull request is. A change that touches no test, or nothing but tests,
makes no task. What the task says is the issue that the change closes (`Fixes #12`), where it can be read; a
commit's own message mostly tells how it was solved, so it stands in only where that is asked for.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tamma.errors import ConfigError
from tamma.model.suite import HiddenTests, SuiteTask
from tamma.suites.patches import changed_lines, is_test_path, part_of, touched_paths

MOST_LINES = 600
"""Changed lines of a solution: a larger change is mostly more than one issue's."""
MOST_FILES = 20
_SECONDS = 120
_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+/[\w.-]+)?#(\d+)", re.IGNORECASE
)
_PULL = re.compile(r"^Merge pull request #(\d+)\b|\(#(\d+)\)\s*$")
_TRAILER = re.compile(r"^(?:[A-Z][\w-]*-by|Tamma-Op|Change-Id): .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """One merged change."""

    commit: str
    base: str
    subject: str
    message: str
    issue: str
    """The number of the issue that it closes; empty where it says none."""

    @property
    def label(self) -> str:
        """Names the task: the issue, else the pull request, else the commit."""
        pull = _PULL.search(self.subject)
        number = self.issue or (pull and (pull[1] or pull[2])) or ""
        return f"{number}-{self.commit[:8]}" if number else self.commit[:12]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A change that made no task, and why."""

    change: Change
    why: str


ReadIssue = Callable[[str], str | None]
"""The Markdown of an issue by its number; None where it cannot be read."""


def changes(repository: Path, *, branch: str = "HEAD", limit: int = 200) -> tuple[Change, ...]:
    """The newest merged changes. Raises ConfigError where the folder is no repository."""
    form = "%H%x1f%P%x1f%s%x1f%B%x1e"
    out = git(repository, "log", "--first-parent", f"--max-count={limit}", f"--format={form}", branch, "--")
    return tuple(_change(repository, record) for record in _records(out))


def task_of(
    repository: Path, address: str, change: Change, issue: str | None, *, messages: bool
) -> SuiteTask | Skipped:
    """The task that a change makes, not verified yet."""
    try:
        patch = git(
            repository, "diff", "--no-color", "--no-ext-diff", "--no-renames", "--full-index", change.base,
            change.commit,
        )  # fmt: skip
        paths = touched_paths(patch)
    except ValueError as error:
        return Skipped(change, f"its diff cannot be read: {error}")
    tests = [path for path in paths if is_test_path(path)]
    rest = [path for path in paths if not is_test_path(path)]
    if "GIT binary patch" in patch or "\nBinary files " in patch:
        return Skipped(change, "it changes binary files")
    if not tests or not rest:
        return Skipped(change, "it touches no test" if not tests else "it touches nothing but tests")
    gold = part_of(patch, lambda path: not is_test_path(path))
    if len(paths) > MOST_FILES or changed_lines(gold) > MOST_LINES:
        return Skipped(change, f"it is large: {len(paths)} files, {changed_lines(gold)} lines")
    text = issue if issue is not None else _message(change) if messages else None
    if text is None:
        why = f"issue #{change.issue} cannot be read" if change.issue else "it closes no issue"
        return Skipped(change, f"{why}: --messages takes the commit's words, which may tell the solution")
    title = text.strip().partition("\n")[0].strip("# ")[:200]
    hidden = HiddenTests(patch=part_of(patch, is_test_path))
    return SuiteTask(change.label, address, change.base, title, text, hidden_tests=hidden, gold_patch=gold)


def hidden_command(test_command: str, paths: tuple[str, ...]) -> str:
    """How just the hidden tests are run, where the project's command tells how; else the whole command."""
    files = [path for path in paths if path.endswith(".py") and _is_test_module(path)]
    if not files:
        return test_command
    if re.search(r"\bpytest\b", test_command):
        return f"python -m pytest -rap --tb=short {' '.join(files)}"
    if "unittest" in test_command:
        modules = " ".join(path.removesuffix(".py").replace("/", ".") for path in files)
        return f"python -m unittest -v {modules}"
    return test_command


def git(repository: Path, *words: str) -> str:
    """Git in a folder, without the user's configuration. Raises ConfigError."""
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
    }
    try:
        done = subprocess.run(
            ["git", *words], cwd=repository, env=env, capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"git cannot be asked in {str(repository)!r}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise ConfigError(f"`git {words[0]}` failed in {str(repository)!r}: {said}")
    return done.stdout.decode("utf-8", "replace")


def _is_test_module(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("test_") or name.endswith(("_test.py", "_tests.py")) or name == "tests.py"


def _records(out: str) -> Iterator[tuple[str, str, str, str]]:
    for record in out.split("\x1e"):
        fields = record.strip("\n").split("\x1f")
        if len(fields) == 4 and fields[1]:
            yield fields[0], fields[1].split()[0], fields[2], fields[3]


def _change(repository: Path, record: tuple[str, str, str, str]) -> Change:
    commit, base, subject, message = record
    closes = _CLOSES.search(message)
    if closes is None and subject.startswith("Merge "):
        # What was merged may say it where the merge does not.
        closes = _CLOSES.search(git(repository, "log", "--format=%B", f"{base}..{commit}", "--"))
    return Change(commit, base, subject, message, closes[1] if closes else "")


def _message(change: Change) -> str:
    return _TRAILER.sub("", _CLOSES.sub("", change.message)).strip() + "\n"
