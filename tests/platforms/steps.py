"""Steps that many contract tests begin with."""

from __future__ import annotations

import pytest

from tamma.model.repository import ChangeKind, FileChange, PullRequest, PullRequestSpec
from tests.platforms.harness import Harness

BRANCH = "tamma/12-häßlich/ünïcode"
needs = pytest.mark.needs
"""Capabilities, methods and oddities without which a test means nothing: it is skipped where one lacks."""
NOWHERE = "1234567890" * 4
"""No commit has that id."""


def write(path: str, content: bytes = b"fixed\n", mode: str = "100644") -> FileChange:
    return FileChange(path, ChangeKind.WRITE, content, mode)


async def base_sha(harness: Harness) -> str:
    return (await harness.platform.get_branch(harness.repo, "main")).sha


async def commit(
    harness: Harness, branch: str = BRANCH, path: str = "fix.txt", content: bytes = b"fixed\n"
) -> str:
    """A branch of ours with one commit; the commit."""
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, branch, base)
    changes = (write(path, content),)
    done = await harness.platform.commit_files(harness.repo, branch, changes, "Fix it", base, f"op-{branch}")
    return done.sha


async def branch_of_others(
    harness: Harness, branch: str = BRANCH, path: str = "fix.txt", content: bytes = b"fixed\n"
) -> str:
    """A branch with one commit that came by git push: where there are no commits by the API."""
    await harness.platform.ensure_branch(harness.repo, branch, await base_sha(harness))
    return await harness.push(branch, path, content)


async def open_pr(
    harness: Harness, branch: str = BRANCH, path: str = "fix.txt", content: bytes = b"fixed\n"
) -> PullRequest:
    """A pull request of ours, whose commit was pushed."""
    await branch_of_others(harness, branch, path, content)
    spec = PullRequestSpec(branch, "main", "Fix the bug", "Because.\n\nFixes it.")
    return (await harness.platform.ensure_pr(harness.repo, spec, "op-pr")).pull_request
