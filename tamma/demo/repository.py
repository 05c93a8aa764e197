"""Makes the demo's repository and looks whether its bug is there. Everything here runs for real."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tamma.errors import ConfigError

SCRIPT = "turns.json"
ISSUE = "missing-cent.md"
BRANCH = "main"
COMPLAINT = ("100.00", "3")
"""What the issue's reporter typed."""
_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
_TEMPLATE = ".txt"
"""The files carry this behind their names, so that no tool takes them for part of this project."""


@dataclass(frozen=True, slots=True)
class DemoRepository:
    """Where the repository is, where its issue stands, and the commit that has the bug."""

    path: Path
    issue: Path
    base: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the program says to the issue's command, and whether the amounts add up to the bill."""

    command: str
    output: str
    adds_up: bool


@dataclass(frozen=True, slots=True)
class Tests:
    """How the repository's own tests end, by `python -m unittest`."""

    green: bool
    ran: int
    output: str


def script_path() -> str:
    """The file of scripted turns that comes with the package."""
    return str(files("tamma.demo") / SCRIPT)


def make(folder: Path) -> DemoRepository:
    """A Git repository with one commit in `folder`/billsplit, and its issue beside it.

    Raises ConfigError where something stands there already, or git is missing.
    """
    path = folder / "billsplit"
    if path.exists() and any(path.iterdir()):
        raise ConfigError(f"{str(path)!r} exists already", hint="give another folder by --dir, or remove it")
    try:
        _copy(files("tamma.demo") / "files", path)
        issue = folder / ISSUE
        issue.write_text((files("tamma.demo") / ISSUE).read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the demo cannot be written to {str(folder)!r}: {error.strerror}", hint="give a folder by --dir"
        ) from error
    git(path, "init", "-q", "-b", BRANCH)
    git(path, "add", ".")
    git(path, *_AUTHOR, "commit", "-q", "-m", "Release billsplit 1.2.0")
    return DemoRepository(path, issue, git(path, "rev-parse", "HEAD").strip())


def prove(repository: DemoRepository) -> Proof:
    """Run the issue's command on what is checked out."""
    done = _python(repository.path, "-m", "billsplit", *COMPLAINT)
    amounts = done.stdout.split()
    paid = sum(round(float(amount) * 100) for amount in amounts) if done.returncode == 0 else -1
    words = f"python3 -m billsplit {' '.join(COMPLAINT)}"
    return Proof(words, (done.stdout + done.stderr).strip(), paid == round(float(COMPLAINT[0]) * 100))


def run_tests(repository: DemoRepository) -> Tests:
    """Run the repository's tests on what is checked out."""
    done = _python(repository.path, "-m", "unittest")
    ran = next((int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("Ran ")), 0)
    return Tests(done.returncode == 0, ran, done.stderr.strip())


def merged_diff(repository: DemoRepository) -> str:
    """What the base branch gained since the demo began; empty where nothing was merged."""
    return git(repository.path, "diff", "--no-color", repository.base, BRANCH)


def merged_log(repository: DemoRepository) -> str:
    """The commits that the base branch gained, a line each."""
    return git(repository.path, "log", "--oneline", "--no-decorate", f"{repository.base}..{BRANCH}").strip()


def git(path: Path, *arguments: str) -> str:
    """Run git in `path` without the user's configuration and hooks. Raises ConfigError."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=path, env=env, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise ConfigError("git is not installed", hint="install git 2.30 or newer") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"`git {' '.join(arguments)}` failed: {error.stderr.strip()}") from error
    return done.stdout


def _python(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name)
        else:
            (target / item.name.removesuffix(_TEMPLATE)).write_bytes(item.read_bytes())
