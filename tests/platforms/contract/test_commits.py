"""Commits through the API: whole, once, and only on the head that was read."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound, PlatformError, StaleHead
from tamma.model.repository import ChangeKind, FileChange
from tamma.platforms.interface import API_COMMITS
from tests.platforms.harness import Harness
from tests.platforms.registry import MODES, PROTECTED
from tests.platforms.steps import BRANCH, base_sha, commit, needs, write

pytestmark = needs(API_COMMITS)


async def test_a_commit_writes_and_deletes_files(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    changes = (
        write("täst/数据.txt", "grüße\n".encode()),
        write("binary.bin", b"\0\xff\xfe"),
        write("run.sh", b"#!/bin/sh\r\n"),
        write("src/app.py", b"print(2)\n"),
        write("empty", b""),
        FileChange("README.md", ChangeKind.DELETE),
    )
    done = await harness.platform.commit_files(harness.repo, BRANCH, changes, "Fix", base, "op-1")
    assert done.created
    assert done.sha == (await harness.platform.get_branch(harness.repo, BRANCH)).sha
    for change in changes[:5]:
        assert await harness.platform.get_file(harness.repo, change.path, BRANCH) == change.content
    with pytest.raises(NotFound):
        await harness.platform.get_file(harness.repo, "README.md", BRANCH)
    assert await base_sha(harness) == base


@needs(MODES)
async def test_a_file_that_can_be_run_is_delivered_as_one(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    changes = (write("run.sh", b"#!/bin/sh\n", "100755"),)
    await harness.platform.commit_files(harness.repo, BRANCH, changes, "Fix", base, "op-1")
    assert await harness.platform.get_file(harness.repo, "run.sh", BRANCH) == b"#!/bin/sh\n"


async def test_a_commit_is_made_once(harness: Harness) -> None:
    sha = await commit(harness)
    base = await base_sha(harness)
    again = await harness.platform.commit_files(
        harness.repo, BRANCH, (write("fix.txt"),), "Fix it", base, f"op-{BRANCH}"
    )
    assert (again.sha, again.created) == (sha, False)
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == sha


async def test_another_operation_is_another_commit(harness: Harness) -> None:
    sha = await commit(harness)
    done = await harness.platform.commit_files(
        harness.repo, BRANCH, (write("more.txt"),), "Fix more", sha, "op-2"
    )
    assert done.created
    assert done.sha != sha
    assert await harness.platform.get_file(harness.repo, "fix.txt", BRANCH) == b"fixed\n"


async def test_a_commit_on_a_moved_branch_is_stale(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(StaleHead):
        await harness.platform.commit_files(harness.repo, BRANCH, (write("fix.txt"),), "Fix", base, "op-9")
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == moved


async def test_a_commit_on_a_branch_that_is_gone(harness: Harness) -> None:
    base = await base_sha(harness)
    with pytest.raises(NotFound):
        await harness.platform.commit_files(harness.repo, BRANCH, (write("fix.txt"),), "Fix", base, "op-9")


@needs(PROTECTED)
async def test_a_commit_on_a_protected_branch_is_refused(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    harness.protect(BRANCH)
    with pytest.raises(PlatformError) as caught:
        await harness.platform.commit_files(harness.repo, BRANCH, (write("fix.txt"),), "Fix", base, "op-9")
    assert not caught.value.may_retry
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == base
