"""What is GitHub's own about checks and Actions: whose a run is, logs elsewhere, and late answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.errors import ConfigError, Conflict, NotFound, PlatformError, StaleHead
from tamma.model.repository import CheckState, CiRun, CiTrigger, RepoRef, Status
from tamma.platforms.github.ci import without_unknown
from tamma.platforms.github.platform import GitHub
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.steps import base_sha

TRIGGER = CiTrigger("main", "ci.yml", (("mode", "fast"),))


async def test_a_run_is_known_by_the_operation_in_its_name(hub: ForgeHarness) -> None:
    first = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    second = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-2")
    assert first.id != second.id
    platform = hub.again()
    assert (await platform.trigger_ci(hub.repo, TRIGGER, "op-1")).id == first.id
    assert (await platform.trigger_ci(hub.repo, TRIGGER, "op-2")).id == second.id
    assert hub.world.effects["run"] == 2
    assert hub.hello.runs[0].inputs == {"mode": "fast", "tamma_op": "tamma:op=op-1"}


async def test_a_workflow_that_shows_no_operation_runs_once_for_a_commit(hub: ForgeHarness) -> None:
    """It does not declare our input: it is asked without it."""
    hub.hello.workflows[0].extra["inputs"] = ("mode",)
    first = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    assert (await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-2")).id == first.id
    assert hub.hello.runs[0].inputs == {"mode": "fast"}
    await hub.push("main", "new.txt", b"x")
    assert (await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-3")).id != first.id
    assert hub.world.effects["run"] == 2


async def test_a_workflow_that_declares_our_input_and_does_not_show_it(hub: ForgeHarness) -> None:
    hub.hello.workflows[0].extra["run_name"] = False
    first = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    assert (await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")).id == first.id
    assert hub.world.effects["run"] == 1


@pytest.mark.parametrize("details", ["unknown", "ignored"])
async def test_servers_that_name_no_run(hub: ForgeHarness, details: str) -> None:
    """Enterprise servers up to 3.19 do not know what to do with the question; a run shows a little late."""
    workflow = hub.hello.workflows[0]
    workflow.extra.update(details=details, inputs=("mode",))
    hub.hello.runs_appear_late = 1
    first = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    assert (first.id, first.state, first.branch) == ("", CheckState.PENDING, "main")
    assert first.sha == await base_sha(hub)
    found = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    assert found.id == str(hub.hello.runs[0].id)
    assert hub.world.effects["run"] == 1


async def test_runs_of_others_are_not_ours(hub: ForgeHarness) -> None:
    hub.hello.start_run("main", event="workflow_dispatch", by="octo")
    hub.hello.start_run("main", event="push", by="tamma-bot")
    found = await hub.platform.trigger_ci(hub.repo, TRIGGER, "op-1")
    assert found.id == str(hub.hello.runs[2].id)


async def test_a_run_is_of_the_commit_that_it_is_for(hub: ForgeHarness) -> None:
    sha = await base_sha(hub)
    trigger = replace(TRIGGER, sha=sha)
    first = await hub.platform.trigger_ci(hub.repo, trigger, "op-1")
    await hub.push("main", "new.txt", b"x")
    assert (await hub.platform.trigger_ci(hub.repo, trigger, "op-1")).id == first.id
    with pytest.raises(StaleHead):
        await hub.platform.trigger_ci(hub.repo, trigger, "op-2")
    assert hub.world.effects["run"] == 1


async def test_what_cannot_be_run_says_why(hub: ForgeHarness) -> None:
    with pytest.raises(ConfigError) as unnamed:
        await hub.platform.trigger_ci(hub.repo, CiTrigger("main"), "op")
    assert "ci.yml" in (unnamed.value.hint or "")
    with pytest.raises(NotFound):
        await hub.platform.trigger_ci(hub.repo, CiTrigger("main", "no-such.yml"), "op")
    hub.hello.workflows[0].extra["inputs"] = ()
    with pytest.raises(PlatformError, match="Unexpected inputs"):
        await hub.platform.trigger_ci(hub.repo, TRIGGER, "op")
    hub.hello.workflows[0].extra["trigger"] = "push"
    with pytest.raises(PlatformError, match="workflow_dispatch"):
        await hub.platform.trigger_ci(hub.repo, CiTrigger("main", "ci.yml"), "op")


async def test_a_log_comes_from_elsewhere_without_our_token(hub: ForgeHarness) -> None:
    run = hub.hello.start_run("main")
    hub.hello.finish_run(run, "failure", log=b"x" * 5000 + b"the end")
    [job] = await hub.platform.list_jobs(hub.repo, str(run.id))
    log = await hub.platform.get_job_log(hub.repo, job.id, 100)
    assert (len(log.text), log.truncated) == (100, True)
    assert log.text.endswith("xthe end")
    asked = [each for each in hub.server.log if "storage" in each.path]
    assert [("authorization" in each.headers, each.status) for each in asked] == [(False, 200)]


async def test_a_log_that_was_deleted_for_its_age_is_told(hub: ForgeHarness) -> None:
    run = hub.hello.start_run("main")
    hub.hello.finish_run(run, "failure", log=b"x")
    run.extra["expired"] = True
    with pytest.raises(NotFound) as caught:
        await hub.platform.get_job_log(hub.repo, str(run.jobs[0].id))
    assert "retention" in (caught.value.hint or "")


async def test_jobs_of_the_newest_attempt_alone(hub: ForgeHarness) -> None:
    run = hub.hello.start_run("main", jobs=tuple(f"job {index}" for index in range(120)))
    hub.hello.finish_run(run, "failure")
    again = await hub.platform.rerun(hub.repo, str(run.id))
    assert (again.attempt, again.state) == (2, CheckState.PENDING)
    jobs = await hub.platform.list_jobs(hub.repo, str(run.id))
    assert [job.name for job in jobs] == [f"job {index}" for index in range(120)]
    assert {job.state for job in jobs} == {CheckState.PENDING}


async def test_a_run_that_already_runs_again_is_not_a_failure(hub: ForgeHarness) -> None:
    """Somebody pressed the button between our look and our write."""
    run = hub.hello.start_run("main")
    hub.hello.finish_run(run, "failure", native="cancelled")

    class Late(GitHub):
        async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
            found = await super().get_run(repo, run_id)
            if found.state is not CheckState.PENDING:
                hub.hello.rerun(run)
            return found

    platform = Late(hub.platform.settings)
    again = await platform.rerun(hub.repo, str(run.id))
    await platform.close()
    assert (again.state, again.attempt, again.detail) == (CheckState.PENDING, 2, "queued")
    assert hub.world.effects["rerun"] == 0


async def test_a_run_that_ends_while_it_is_stopped(hub: ForgeHarness) -> None:
    run = hub.hello.start_run("main")

    class Late(GitHub):
        async def get_run(self, repo: RepoRef, run_id: str) -> CiRun:
            found = await super().get_run(repo, run_id)
            hub.hello.finish_run(run, "success")
            return found

    platform = Late(hub.platform.settings)
    await platform.cancel_run(hub.repo, str(run.id))
    await platform.close()
    assert f"POST /repos/octo/hello/actions/runs/{run.id}/cancel" in hub.server.requests
    assert hub.world.effects["cancel"] == 0


async def test_a_status_of_the_same_name_in_another_case_is_the_same(hub: ForgeHarness) -> None:
    sha = await base_sha(hub)
    hub.hello.set_status(sha, "Tamma", "success", "so", by="tamma-bot")
    await hub.platform.set_status(hub.repo, sha, Status("tamma", CheckState.SUCCESS, "so"))
    assert hub.changes() == 0


async def test_an_empty_repository_has_nothing_to_read_and_says_so(hub: ForgeHarness) -> None:
    empty = hub.empty_repository()
    for call in (hub.platform.get_branch(empty, "main"), hub.platform.get_file(empty, "README.md", "main")):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(Conflict) as caught:
        await hub.platform.ensure_branch(empty, "b", "1" * 40)
    assert "no commit yet" in (caught.value.hint or "")


# --- pure -------------------------------------------------------------------------------------------------


def test_what_is_not_known_is_left_out_and_nothing_else() -> None:
    body = {"ref": "main", "inputs": {"tamma_op": "1", "a": "b"}, "return_run_details": True}
    less = without_unknown(body, 'Invalid request. "return_run_details" is not a permitted key.')
    assert less == {"ref": "main", "inputs": {"tamma_op": "1", "a": "b"}}
    assert less is not None
    least = without_unknown(less, 'Unexpected inputs provided: ["tamma_op"]')
    assert least == {"ref": "main", "inputs": {"a": "b"}}
    assert least is not None
    assert without_unknown(least, 'Unexpected inputs provided: ["tamma_op"]') is None
    assert without_unknown(least, "return_run_details") is None
    assert without_unknown(body, 'Unexpected inputs provided: ["a"]') is None
