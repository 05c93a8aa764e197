"""Verdicts on a commit, all sources united."""

from __future__ import annotations

from typing import Literal

import pytest

from tamma.errors import NotFound
from tamma.model.repository import CheckState, Status
from tamma.platforms.interface import CHECKS, STATUSES
from tests.platforms.harness import Harness
from tests.platforms.steps import NOWHERE, base_sha, branch_of_others, needs

pytestmark = needs(CHECKS)


async def test_checks_are_united(harness: Harness) -> None:
    sha = await branch_of_others(harness)
    assert (await harness.platform.get_checks(harness.repo, sha)).state is CheckState.NONE
    for state in (CheckState.PENDING, CheckState.FAILURE, CheckState.SUCCESS):
        await harness.report(sha, "ci / build", state)
        summary = await harness.platform.get_checks(harness.repo, sha)
        assert (summary.state, summary.sha) == (state, sha)
        assert [check.name for check in summary.checks] == ["ci / build"]


async def test_one_failure_fails_and_one_that_runs_is_waited_for(harness: Harness) -> None:
    sha = await branch_of_others(harness)
    await harness.report(sha, "a", CheckState.SUCCESS)
    await harness.report(sha, "b", CheckState.PENDING)
    assert (await harness.platform.get_checks(harness.repo, sha)).state is CheckState.PENDING
    await harness.report(sha, "c", CheckState.FAILURE)
    summary = await harness.platform.get_checks(harness.repo, sha)
    assert summary.state is CheckState.FAILURE
    assert sorted(check.name for check in summary.checks) == ["a", "b", "c"]
    assert (await harness.platform.get_checks(harness.repo, await base_sha(harness))).checks == ()


@needs(STATUSES)
async def test_a_status_is_set_once_and_replaced(harness: Harness) -> None:
    sha = await base_sha(harness)
    states: tuple[Literal[CheckState.PENDING, CheckState.SUCCESS, CheckState.FAILURE], ...]
    states = (CheckState.PENDING, CheckState.FAILURE, CheckState.SUCCESS)
    for state in states:
        status = Status("tamma/run", state, "as it goes – „quoted“", "https://example.test/run/1")
        before = harness.changes()
        for _ in range(2):
            await harness.platform.set_status(harness.repo, sha, status)
        assert harness.changes() == before + 1
        [check] = (await harness.platform.get_checks(harness.repo, sha)).checks
        assert (check.name, check.state) == ("tamma/run", state)
    with pytest.raises(NotFound):
        await harness.platform.set_status(harness.repo, NOWHERE, Status("x", CheckState.SUCCESS))


@needs(STATUSES)
async def test_a_description_that_is_too_long_is_shortened(harness: Harness) -> None:
    sha = await base_sha(harness)
    status = Status("tamma/run", CheckState.SUCCESS, "very " * 200)
    for _ in range(2):
        await harness.platform.set_status(harness.repo, sha, status)
    [check] = (await harness.platform.get_checks(harness.repo, sha)).checks
    assert check.state is CheckState.SUCCESS
    assert harness.changes() == 1
