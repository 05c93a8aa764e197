"""Base commits as full ids: what a clone is asked for must name one commit for ever."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tamma.errors import ConfigError
from tamma.model.suite import SuiteTask

_FULL = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECONDS = 60


def settle(tasks: Sequence[SuiteTask]) -> tuple[SuiteTask, ...]:
    """The tasks with full ids. Names and short ids are looked up where the repository is a local folder.

    Raises ConfigError where a commit cannot be settled.
    """
    known: dict[tuple[str, str], str] = {}
    settled: list[SuiteTask] = []
    for task in tasks:
        if not task.repository or not task.base_commit or _FULL.fullmatch(task.base_commit):
            settled.append(task)
            continue
        key = (task.repository, task.base_commit)
        if key not in known:
            known[key] = _look_up(task)
        settled.append(replace(task, base_commit=known[key]))
    return tuple(settled)


def _look_up(task: SuiteTask) -> str:
    if not Path(task.repository).is_dir():
        raise ConfigError(
            f"task {task.id!r}: {task.base_commit!r} is no full commit id",
            hint="give all 40 digits: a branch moves, and a short id cannot be asked for",
        )
    words = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{task.base_commit}^{{commit}}"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            words, cwd=task.repository, env=env, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"task {task.id!r}: git cannot be asked for its commit: {error}") from error
    if done.returncode != 0:
        raise ConfigError(
            f"task {task.id!r}: there is no commit {task.base_commit!r} in {task.repository!r}",
            hint="see `git log` there",
        )
    return done.stdout.strip()
