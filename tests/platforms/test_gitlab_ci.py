"""Checks and pipelines of GitLab, in all the places where they are."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound, StaleHead, Unsupported
from tamma.model.repository import CheckState, CiTrigger, Status
from tamma.platforms.git import objects as gitdb
from tamma.platforms.gitlab.models import PipelineAnswer
from tamma.platforms.gitlab.runs import CommitStatus, JobAnswer, newest_of_each, state_of, united
from tests.platforms.gitlab_harness import GitLabHarness
from tests.platforms.steps import BRANCH, commit, open_pr
from tests.support.forge.things import Run

PENDING, SUCCESS, FAILURE = CheckState.PENDING, CheckState.SUCCESS, CheckState.FAILURE


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "expected", "allowed"),
    [
        ("created", PENDING, PENDING),
        ("waiting_for_resource", PENDING, PENDING),
        ("preparing", PENDING, PENDING),
        ("pending", PENDING, PENDING),
        ("running", PENDING, PENDING),
        ("scheduled", PENDING, PENDING),
        ("canceling", PENDING, PENDING),
        ("manual", PENDING, SUCCESS),
        ("success", SUCCESS, SUCCESS),
        ("skipped", SUCCESS, SUCCESS),
        ("failed", FAILURE, SUCCESS),
        ("canceled", FAILURE, SUCCESS),
        ("a_new_word", PENDING, PENDING),
    ],
)
def test_what_the_words_come_to(native: str, expected: CheckState, allowed: CheckState) -> None:
    assert state_of(native) is expected
    assert state_of(native, allow_failure=True) is allowed


def pipeline(number: int, status: str, ref: str = "fix", source: str = "push") -> PipelineAnswer:
    return PipelineAnswer(id=number, sha="s", ref=ref, status=status, source=source)


def job(number: int, name: str, status: str) -> JobAnswer:
    return JobAnswer(id=number, name=name, status=status)


def test_of_each_name_the_newest_counts() -> None:
    older = CommitStatus(id=1, name="build", status="failed", target_url="https://x/-/jobs/1")
    found = united("s", [job(2, "build", "success"), older], [])
    assert found.state is SUCCESS
    assert [(check.name, check.job_id) for check in found.checks] == [("build", "2")]


def test_a_pipeline_that_could_not_be_made_is_a_failure() -> None:
    """Its file is wrong: it has no job that could say so."""
    found = united("s", [], [pipeline(7, "failed")])
    assert found.state is FAILURE
    assert [check.name for check in found.checks] == ["pipeline 7"]


def test_a_pipeline_that_has_not_made_its_jobs_is_pending() -> None:
    assert united("s", [job(1, "lint", "success")], [pipeline(7, "created")]).state is PENDING


def test_a_pipeline_says_no_more_than_its_jobs_where_they_say_it() -> None:
    failed = united("s", [job(1, "lint", "failed")], [pipeline(7, "failed")])
    assert [check.name for check in failed.checks] == ["lint"]
    green = united("s", [job(1, "lint", "success")], [pipeline(8, "success")])
    assert (green.state, len(green.checks)) == (SUCCESS, 1)


def test_of_each_kind_of_pipeline_the_newest_counts() -> None:
    older, newer = pipeline(7, "failed"), pipeline(8, "success")
    other = pipeline(6, "failed", source="merge_request_event")
    assert newest_of_each([newer, other, older]) == [other, newer]


# --- checks -----------------------------------------------------------------------------------------------


async def test_jobs_and_statuses_are_told_apart(lab: GitLabHarness) -> None:
    sha = await commit(lab)
    run = lab.hello.start_run(BRANCH, jobs=("build", "test"))
    lab.hello.set_status(sha, "sonar", "success", "0 bugs", "https://sonar.example/1", by="octo")
    summary = await lab.platform.get_checks(lab.repo, sha)
    assert summary.state is PENDING
    jobs = {found.name: str(found.id) for found in run.jobs}
    assert {check.name: check.job_id for check in summary.checks} == {**jobs, "sonar": None}
    lab.hello.finish_run(run, "failure", log=b"boom")
    summary = await lab.platform.get_checks(lab.repo, sha)
    assert summary.state is FAILURE
    failed = next(check for check in summary.checks if check.name == "test")
    assert failed.job_id is not None
    assert (await lab.platform.get_job_log(lab.repo, failed.job_id)).text == "boom"


def on_merged_result(lab: GitLabHarness, number: str) -> Run:
    """A pipeline on what the merge request would make of its target: a commit of no branch."""
    pull = lab.hello.pulls[int(number)]
    base = lab.hello.branch("main")
    assert base is not None
    merged = gitdb.merge(lab.hello.git, base, pull.head_sha, "merged result")
    assert isinstance(merged, str)
    ref = f"refs/merge-requests/{number}/merge"
    return lab.hello.start_run(ref, sha=merged, event="merge_request_event", jobs=("merged",))


async def test_pipelines_on_the_merged_result_count(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    await lab.report(pull.head_sha, "branch", SUCCESS)
    assert (await lab.platform.get_checks(lab.repo, pull.head_sha)).state is SUCCESS
    run = on_merged_result(lab, pull.number)
    summary = await lab.platform.get_checks(lab.repo, pull.head_sha)
    assert (summary.sha, summary.state) == (pull.head_sha, PENDING)
    assert [check.name for check in summary.checks] == ["branch", "merged"]
    lab.hello.finish_run(run, "failure")
    assert (await lab.platform.get_checks(lab.repo, pull.head_sha)).state is FAILURE


async def test_a_merged_result_of_an_older_push_does_not(lab: GitLabHarness) -> None:
    pull = await open_pr(lab)
    lab.hello.finish_run(on_merged_result(lab, pull.number), "failure")
    head = await lab.push(BRANCH, "more.txt", b"x")
    assert (await lab.platform.get_checks(lab.repo, head)).state is CheckState.NONE


async def test_a_status_is_set_once(lab: GitLabHarness) -> None:
    """The server refuses a status that is pending already, and takes its text nevertheless."""
    sha = await commit(lab)
    for status in (
        Status("tamma", PENDING, "at work", "https://x.example/1"),
        Status("tamma", PENDING, "at work", "https://x.example/1"),
        Status("tamma", PENDING, "still at work", "https://x.example/1"),
        Status("tamma", SUCCESS, "done"),
        Status("tamma", SUCCESS, "done"),
    ):
        await lab.platform.set_status(lab.repo, sha, status)
        [check] = (await lab.platform.get_checks(lab.repo, sha)).checks
        assert (check.name, check.state, check.detail) == ("tamma", status.state, status.description)
    assert lab.world.effects["status"] == 3
    with pytest.raises(NotFound):
        await lab.platform.set_status(lab.repo, "1" * 40, Status("tamma", SUCCESS))


# --- pipelines --------------------------------------------------------------------------------------------


async def test_a_pipeline_is_started_once(lab: GitLabHarness) -> None:
    sha = await commit(lab)
    trigger = CiTrigger(BRANCH, inputs=(("DEPLOY", "no"),), sha=sha)
    first = await lab.platform.trigger_ci(lab.repo, trigger, "op-1")
    again = await lab.platform.trigger_ci(lab.repo, trigger, "op-1")
    other = await lab.platform.trigger_ci(lab.repo, trigger, "op-2")
    assert first.id == again.id != other.id
    assert (first.sha, first.branch, first.event, first.state) == (sha, BRANCH, "api", PENDING)
    assert lab.world.effects["run"] == 2
    assert lab.hello.runs[0].inputs == {"DEPLOY": "no", "TAMMA_OP": "op-1"}


async def test_others_pipelines_hide_their_variables(lab: GitLabHarness) -> None:
    await commit(lab)
    lab.hello.start_run(BRANCH, event="api", inputs={"TAMMA_OP": "op-1"}, by="octo")
    made = await lab.platform.trigger_ci(lab.repo, CiTrigger(BRANCH), "op-1")
    assert made.id == str(lab.hello.runs[-1].id)


async def test_a_pipeline_for_another_commit_is_not_started(lab: GitLabHarness) -> None:
    sha = await commit(lab)
    await lab.push(BRANCH, "more.txt", b"x")
    with pytest.raises(StaleHead):
        await lab.platform.trigger_ci(lab.repo, CiTrigger(BRANCH, sha=sha), "op-1")
    with pytest.raises(Unsupported) as caught:
        await lab.platform.trigger_ci(lab.repo, CiTrigger(BRANCH, workflow="ci.yml"), "op-1")
    assert "variables" in (caught.value.hint or "")
    assert lab.world.effects["run"] == 0


async def test_runs_jobs_and_logs(lab: GitLabHarness) -> None:
    sha = await commit(lab)
    run = lab.hello.start_run(BRANCH, jobs=("build", "test"))
    lab.hello.start_run("main")
    [listed] = (await lab.platform.list_runs(lab.repo, sha=sha, branch=BRANCH)).items
    assert (listed.id, listed.state) == (str(run.id), PENDING)
    jobs = await lab.platform.list_jobs(lab.repo, listed.id)
    assert [(found.name, found.state) for found in jobs] == [("build", PENDING), ("test", PENDING)]
    assert (await lab.platform.get_job_log(lab.repo, jobs[0].id)).text == ""
    lab.hello.finish_run(run, "failure", log="grün\n".encode() * 1000 + b"the end")
    log = await lab.platform.get_job_log(lab.repo, jobs[0].id, 7)
    assert (log.text, log.truncated) == ("the end", True)
    assert (await lab.platform.get_run(lab.repo, listed.id)).state is FAILURE
    for number in ("0", "x", "../1"):
        with pytest.raises(NotFound):
            await lab.platform.get_job_log(lab.repo, number)


async def test_a_run_is_tried_again_once_and_cancelled_once(lab: GitLabHarness) -> None:
    await commit(lab)
    run = lab.hello.start_run(BRANCH)
    lab.hello.finish_run(run, "failure")
    for _ in range(2):
        assert (await lab.platform.rerun(lab.repo, str(run.id))).state is PENDING
    assert lab.world.effects["rerun"] == 1
    for _ in range(2):
        await lab.platform.cancel_run(lab.repo, str(run.id))
    found = await lab.platform.get_run(lab.repo, str(run.id))
    assert (found.state, found.detail) == (FAILURE, "canceled")
    assert lab.world.effects["cancel"] == 1
