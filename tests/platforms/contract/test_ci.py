"""The platform's own CI: started once, followed, read, run again, stopped."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound
from tamma.model.repository import CheckState, CiRun, CiTrigger
from tamma.platforms.interface import CI_CANCEL, CI_LOGS, CI_RERUN, CI_RUNS, CI_TRIGGER
from tests.platforms.harness import Harness
from tests.platforms.steps import BRANCH, base_sha, branch_of_others, needs

pytestmark = needs(CI_RUNS)


async def started(harness: Harness, jobs: tuple[str, ...] = ("build",)) -> CiRun:
    """A run that began by itself on the branch."""
    await branch_of_others(harness)
    await harness.start_run(BRANCH, jobs)
    return (await harness.platform.list_runs(harness.repo, branch=BRANCH)).items[0]


async def test_a_run_is_followed_from_its_start_to_its_end(harness: Harness) -> None:
    run = await started(harness, ("build", "test"))
    assert (run.state, run.branch) == (CheckState.PENDING, BRANCH)
    assert run.sha == (await harness.platform.get_branch(harness.repo, BRANCH)).sha
    assert await harness.platform.get_run(harness.repo, run.id) == run
    jobs = await harness.platform.list_jobs(harness.repo, run.id)
    assert [(job.name, job.state) for job in jobs] == [
        ("build", CheckState.PENDING), ("test", CheckState.PENDING),
    ]  # fmt: skip
    await harness.finish_run(CheckState.FAILURE)
    assert (await harness.platform.get_run(harness.repo, run.id)).state is CheckState.FAILURE
    jobs = await harness.platform.list_jobs(harness.repo, run.id)
    assert {job.state for job in jobs} == {CheckState.FAILURE}


async def test_runs_are_listed_newest_first(harness: Harness) -> None:
    first = await started(harness)
    await harness.finish_run(CheckState.SUCCESS)
    await harness.start_run("main")
    await harness.start_run(BRANCH)
    everything = (await harness.platform.list_runs(harness.repo)).items
    assert [run.branch for run in everything] == [BRANCH, "main", BRANCH]
    assert everything[-1].id == first.id
    of_branch = (await harness.platform.list_runs(harness.repo, branch=BRANCH)).items
    assert [run.id for run in of_branch] == [everything[0].id, first.id]
    of_sha = (await harness.platform.list_runs(harness.repo, sha=await base_sha(harness))).items
    assert [run.branch for run in of_sha] == ["main"]


async def test_what_is_not_there_is_not_found(harness: Harness) -> None:
    for call in (harness.platform.get_run, harness.platform.list_jobs):
        with pytest.raises(NotFound):
            await call(harness.repo, "99999")


@needs(CI_LOGS)
async def test_the_end_of_a_log_is_read(harness: Harness) -> None:
    run = await started(harness)
    [job] = await harness.platform.list_jobs(harness.repo, run.id)
    assert (await harness.platform.get_job_log(harness.repo, job.id)).text == ""
    log = b"".join(b"line %d \x1b[31mred\x1b[0m \xff\r\n" % number for number in range(5000))
    await harness.finish_run(CheckState.FAILURE, log + "Ende: grün\n".encode())
    [job] = await harness.platform.list_jobs(harness.repo, run.id)
    tail = await harness.platform.get_job_log(harness.repo, job.id, 1000)
    assert tail.truncated
    assert tail.text.rstrip("\n").endswith("\x1b[31mred\x1b[0m \ufffd\r\nEnde: grün")
    assert len(tail.text.encode()) <= 1000 + 2 * tail.text.count("\ufffd") + 4
    whole = await harness.platform.get_job_log(harness.repo, job.id, 1_000_000)
    assert not whole.truncated
    assert "line 0 " in whole.text
    assert whole.text.rstrip("\n").endswith("Ende: grün")
    with pytest.raises(NotFound):
        await harness.platform.get_job_log(harness.repo, "99999")


@needs(CI_TRIGGER)
async def test_a_run_is_started_once_for_an_operation(harness: Harness) -> None:
    await branch_of_others(harness)
    trigger = CiTrigger(BRANCH, harness.workflow, (("mode", "fast"),))
    before = harness.changes()
    first = await harness.platform.trigger_ci(harness.repo, trigger, "op-ci")
    again = await harness.platform.trigger_ci(harness.repo, trigger, "op-ci")
    assert again.id
    assert first.id in ("", again.id)
    assert harness.changes() == before + 1
    other = await harness.platform.trigger_ci(harness.repo, trigger, "op-ci-2")
    assert other.id != again.id
    assert harness.changes() == before + 2


@needs(CI_RERUN)
async def test_what_failed_is_run_again(harness: Harness) -> None:
    run = await started(harness)
    await harness.finish_run(CheckState.FAILURE)
    again = await harness.platform.rerun(harness.repo, run.id)
    assert again.state is CheckState.PENDING
    before = harness.changes()
    same = await harness.platform.rerun(harness.repo, again.id)
    assert (same.id, same.state) == (again.id, CheckState.PENDING)
    assert harness.changes() == before
    [job] = await harness.platform.list_jobs(harness.repo, again.id)
    assert job.state is CheckState.PENDING


@needs(CI_CANCEL)
async def test_a_run_is_stopped_once(harness: Harness) -> None:
    run = await started(harness)
    await harness.platform.cancel_run(harness.repo, run.id)
    before = harness.changes()
    await harness.platform.cancel_run(harness.repo, run.id)
    assert harness.changes() == before
    assert (await harness.platform.get_run(harness.repo, run.id)).state is CheckState.FAILURE
    with pytest.raises(NotFound):
        await harness.platform.cancel_run(harness.repo, "99999")
