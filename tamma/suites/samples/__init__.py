"""The sample suite: five small tasks, with repositories that are made on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tamma.errors import ConfigError
from tamma.model.suite import Suite
from tamma.suites.commits import settle
from tamma.suites.content import make_suite
from tamma.suites.forms.native import read_native

_TEMPLATE = ".txt"
"""The files carry this behind their names, so that no tool takes them for part of this project."""
_WHEN = "2026-01-01T00:00:00+00:00"
"""Fixed: the same content is the same commit, and so the same suite, wherever it is made."""


def sample_suite(folder: Path, *, name: str) -> Suite:
    """The suite, with its repositories in `folder`/NAME. Raises ConfigError where they cannot be made."""
    target = folder / name
    with tempfile.TemporaryDirectory() as temporary:
        bundle = Path(temporary) / "bundle"
        _copy(files("tamma.suites.samples") / "bundle", bundle)
        for repository in sorted((bundle / "repos").iterdir()):
            _make(repository)
        suite = read_native(bundle / "suite.yaml", name=name)
        tasks = settle(suite.tasks)
        # Only the repositories stay: hidden tests and solutions are in the store, not beside them.
        try:
            target.mkdir(parents=True, exist_ok=True)
            for repository in (bundle / "repos").iterdir():
                shutil.rmtree(target / repository.name, ignore_errors=True)
                shutil.copytree(repository, target / repository.name)
        except OSError as error:
            raise ConfigError(
                f"the samples cannot be written to {str(target)!r}: {error.strerror}"
            ) from error
        moved = [
            replace(task, repository=str(target / Path(task.repository).name)) if task.repository else task
            for task in tasks
        ]
    return make_suite(name, moved, description=suite.description, graders=suite.graders)


def _make(path: Path) -> None:
    _git(path, "init", "-q", "-b", "main")
    _git(path, "add", "-A")
    _git(path, "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", "commit", "-q", "-m", "Begin")


def _git(path: Path, *words: str) -> None:
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": _WHEN,
        "GIT_COMMITTER_DATE": _WHEN,
    }
    try:
        subprocess.run(["git", *words], cwd=path, env=env, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise ConfigError("git is not installed", hint="install git 2.30 or newer") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"`git {' '.join(words)}` failed: {error.stderr.strip()}") from error


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name)
        else:
            (target / item.name.removesuffix(_TEMPLATE)).write_bytes(item.read_bytes())
