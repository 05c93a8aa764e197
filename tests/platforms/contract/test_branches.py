"""Branches: created once, deleted where expected, whatever they are called."""

from __future__ import annotations

import pytest

from tamma.errors import Conflict, NotFound, PlatformError, StaleHead
from tests.platforms.harness import Harness
from tests.platforms.registry import PROTECTED
from tests.platforms.steps import BRANCH, NOWHERE, base_sha, needs

ODD_NAMES = (
    "a", "fix/#1", "100%", "a+b", "a&b=c", "@scope/x", "it's", "häß/数据", "x.y_z-1", "p;q,r(s)!$",
    "refs/heads/x",
)  # fmt: skip


async def test_a_branch_is_created_once(harness: Harness) -> None:
    sha = await base_sha(harness)
    first = await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert (first.name, first.sha) == (BRANCH, sha)
    assert first == await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert first == await harness.platform.get_branch(harness.repo, BRANCH)


async def test_branches_of_all_names(harness: Harness) -> None:
    sha = await base_sha(harness)
    for name in ODD_NAMES:
        assert (await harness.platform.ensure_branch(harness.repo, name, sha)).name == name
        assert (await harness.platform.get_branch(harness.repo, name)).sha == sha
    readme = await harness.platform.get_file(harness.repo, "README.md", "main")
    assert await harness.platform.get_file(harness.repo, "README.md", "fix/#1") == readme
    for name in ODD_NAMES:
        await harness.platform.delete_branch(harness.repo, name, sha)
        with pytest.raises(NotFound):
            await harness.platform.get_branch(harness.repo, name)


async def test_a_branch_elsewhere_is_a_conflict(harness: Harness) -> None:
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(Conflict):
        await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == moved


async def test_a_branch_that_cannot_be(harness: Harness) -> None:
    """None of it helps to try again."""
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, "a", sha)
    for name, start in (("b", NOWHERE), ("a..b", sha), ("a/b", sha)):
        with pytest.raises(PlatformError) as caught:
            await harness.platform.ensure_branch(harness.repo, name, start)
        assert not caught.value.may_retry, name


async def test_a_missing_branch_is_not_found(harness: Harness) -> None:
    for name in ("no/such", "mai", "main/x"):
        with pytest.raises(NotFound):
            await harness.platform.get_branch(harness.repo, name)


async def test_a_branch_is_deleted_only_where_it_is_expected(harness: Harness) -> None:
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(StaleHead):
        await harness.platform.delete_branch(harness.repo, BRANCH, sha)
    await harness.platform.delete_branch(harness.repo, BRANCH, moved)
    await harness.platform.delete_branch(harness.repo, BRANCH, moved)
    with pytest.raises(NotFound):
        await harness.platform.get_branch(harness.repo, BRANCH)


@needs(PROTECTED)
async def test_a_protected_branch_is_not_deleted(harness: Harness) -> None:
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    harness.protect(BRANCH)
    with pytest.raises(PlatformError) as caught:
        await harness.platform.delete_branch(harness.repo, BRANCH, sha)
    assert not caught.value.may_retry
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == sha
