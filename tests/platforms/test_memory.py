"""The memory platform as crash tests use it: state and ledger that outlive a killed process, and faults."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.errors import ConfigError, NotFound, Transient
from tamma.model.repository import (
    CheckState,
    MergeOutcome,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.platforms.memory.state import read_ledger
from tests.platforms.harness import MemoryHarness, git, make_checkout
from tests.platforms.steps import BRANCH, commit, open_pr

REPO = RepoRef("memory", "octo", "hello")
ROOT = Path(__file__).resolve().parents[2]

WORKER = """
import asyncio, json, sys
from tamma.model.repository import PullRequestSpec, RepoRef, Target
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform

options, branch = json.loads(sys.argv[1]), sys.argv[2]
platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
repo = RepoRef("memory", "octo", "hello")

async def work():
    head = (await platform.get_branch(repo, branch)).sha
    pull = (await platform.ensure_pr(repo, PullRequestSpec(branch, "main", "Fix", "b"), "op")).pull_request
    await platform.ensure_comment(repo, Target("pull_request", pull.number), "hello", "op-c")
    print((await platform.merge_pr(repo, pull.number, "squash", head)).sha)

asyncio.run(work())
"""


def work(options: dict[str, object]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WORKER, json.dumps(options), BRANCH]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


async def test_a_worker_that_is_killed_again_and_again_has_each_effect_once(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    await commit(harness)
    faults = [
        {"on": op, "when": when, "times": 1, "error": "kill"}
        for op in ("ensure_pr", "ensure_comment", "merge_pr")
        for when in ("before", "after")
    ]
    options: dict[str, object] = {**harness.platform.settings.options, "faults": faults}
    ends = [work(options) for _ in range(len(faults) + 1)]
    assert [done.returncode for done in ends] == [-signal.SIGKILL] * len(faults) + [0]
    ledger = read_ledger(harness.ledger)
    for op in ("ensure_pr", "ensure_comment", "merge_pr"):
        assert sum(entry.effect for entry in ledger if entry.op == op) == 1
    assert [entry.seq for entry in ledger] == list(range(1, len(ledger) + 1))
    pull = await harness.platform.find_pr(REPO, BRANCH, "main")
    assert pull is not None
    assert (pull.state, pull.merge_sha) == ("merged", ends[-1].stdout.strip())


async def test_a_merge_killed_between_git_and_the_state_is_not_made_twice(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    pull = await open_pr(harness)
    killed = WORKER.replace("import asyncio,", "import os, signal, asyncio,").replace(
        "asyncio.run(work())",
        "from tamma.platforms.git import objects as gitdb\nmove = gitdb.move_branch\n"
        "def die(*arguments):\n    move(*arguments)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "gitdb.move_branch = die\nasyncio.run(work())",
    )
    options = json.dumps(dict(harness.platform.settings.options))
    command = [sys.executable, "-c", killed, options, BRANCH]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    merged = (await harness.platform.get_branch(REPO, "main")).sha
    result = await harness.platform.merge_pr(REPO, pull.number, "squash", pull.head_sha)
    assert (result.outcome, result.sha) == (MergeOutcome.MERGED, merged)
    assert (await harness.platform.get_branch(REPO, "main")).sha == merged
    assert harness.effects().get("merge_pr", 0) == 1


async def test_a_hanging_call_is_cancelled(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    faults = [{"on": "get_branch", "error": "hang"}]
    options = {**harness.platform.settings.options, "faults": faults}
    platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(platform.get_branch(REPO, "main"), 0.5)
    assert (await platform.get_branch(REPO, "main")).name == "main"


async def test_a_fault_strikes_as_often_as_it_says(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    options = {
        **harness.platform.settings.options,
        "faults": [{"on": "get_checks", "times": 2, "error": "Transient"}],
    }
    settings = PlatformSettings("memory", "memory", options=options)
    for _ in range(2):  # each time by a new instance, as a restarted worker would
        with pytest.raises(Transient):
            await MemoryPlatform(settings).get_checks(REPO, "0" * 40)
    assert (await MemoryPlatform(settings).get_checks(REPO, "0" * 40)).state is CheckState.NONE


def test_a_fault_that_could_never_strike_is_refused() -> None:
    for fault in ({"on": "x", "error": "NoSuch"}, {"on": "x", "when": "during", "error": "kill"}):
        with pytest.raises(ConfigError):
            MemoryPlatform(PlatformSettings("memory", "memory", options={"faults": [fault]}))


async def test_pushes_by_git_arrive(tmp_path: Path) -> None:
    harness = MemoryHarness(tmp_path)
    git("clone", "-q", str(harness.path), str(tmp_path / "work"), cwd=tmp_path)
    work_tree = tmp_path / "work"
    git("config", "user.email", "mona@example.test", cwd=work_tree)
    git("config", "user.name", "Mona", cwd=work_tree)
    git("checkout", "-q", "-b", BRANCH, cwd=work_tree)
    (work_tree / "fix.txt").write_text("fixed\n")
    git("add", ".", cwd=work_tree)
    git("commit", "-q", "-m", "fix", cwd=work_tree)
    git("push", "-q", "origin", BRANCH, cwd=work_tree)
    head = git("rev-parse", "HEAD", cwd=work_tree)
    assert (await harness.platform.get_branch(REPO, BRANCH)).sha == head
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b")
    pull = (await harness.platform.ensure_pr(REPO, spec, "op")).pull_request
    assert pull.head_sha == head
    done = await harness.platform.merge_branch(REPO, BRANCH, "main", head, "Merge")
    assert done.sha == head
    assert harness.effects().get("merge_branch", 0) == 1


async def test_seeded_issues_checks_and_unknown_names(tmp_path: Path) -> None:
    path = make_checkout(tmp_path / "source")
    options = {
        "repositories": {"octo/hello": str(path)},
        "issues": {"octo/hello": {"7": "# Seeded\nbody"}},
        "checks": "success",
    }
    platform = MemoryPlatform(PlatformSettings("memory", "memory", options=options))
    assert (await platform.get_issue(REPO, "7")).title == "Seeded"
    assert (await platform.get_checks(REPO, "0" * 40)).state is CheckState.SUCCESS
    with pytest.raises(NotFound, match="nobody"):
        await platform.get_repository(RepoRef("memory", "nobody", "x"))
    with pytest.raises(NotFound):
        await platform.ensure_comment(REPO, Target("issue", "99"), "b", "op")
