"""A real project in a repository on this disk, and what is true of it before and after its run."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client

from tamma.model.repository import RepoRef
from tamma.model.task import TaskStatus
from tamma.platforms.interface import PlatformSettings
from tests.real_projects.bug import Bug
from tests.real_projects.running import KEY, Run, working
from tests.support.sdists import checkout_of, git, prove


async def solve_in_checkout(bug: Bug, client: Client, folder: Path, model_url: str) -> Run:
    """Solve a bug in a repository on this disk: the next release's own test fails before, and passes then."""
    checkout = checkout_of(bug.releases, folder / bug.release.name)
    before = git(checkout, "rev-parse", "main")
    passes, said = prove(bug.proof, checkout, before, folder)
    assert not passes
    assert bug.symptom in said

    async with working(client, folder, model_url, PlatformSettings("git", "plain-git")) as worker:
        run = await worker.solve(RepoRef("git", "", str(checkout)), "7", bug, issue_text=bug.markdown)

    assert run.result.status is TaskStatus.COMPLETED, run.seen
    passes, said = prove(bug.proof, checkout, "main", folder)
    assert passes, said
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "symbolic-ref", "--short", "HEAD") == "main"
    assert git(checkout, "diff", "--name-only", before, "main").split() == list(bug.changed)
    assert git(checkout, "rev-parse", "main") == run.result.merge_sha
    branches = git(checkout, "branch", "--format=%(refname:short)").split()
    assert branches == ["main", run.result.branch]
    assert KEY not in await run.said() + git(checkout, "log", "--all", "--format=%B")
    return run
