"""What is Gitea's and Forgejo's own, over servers that are checked against their published descriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tamma.errors import Conflict, Forbidden, NotFound, StaleHead, Transient, Unsupported
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    CiTrigger,
    FileChange,
    InlineComment,
    IssueFilter,
    MergeCategory,
    MergeOutcome,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Target,
)
from tamma.platforms import interface as i
from tamma.platforms.gitea.models import TreeEntry
from tamma.platforms.gitea.patches import Blob
from tamma.platforms.gitea.platform import Forgejo, Gitea
from tests.platforms.conftest import Servers, alone
from tests.platforms.gitea_harness import GiteaHarness
from tests.support.forge.faces.gitea.common import Server, server_of
from tests.support.forge.things import Label

BRANCH = "tamma/7-fix"
WRITE = ChangeKind.WRITE


class Own(GiteaHarness):
    """With what a test may say of the server."""

    @property
    def server_settings(self) -> Server:
        return server_of(self.world)

    def be(self, version: str) -> None:
        """From now on the server is of this version; the adapter has not asked yet."""
        self.server_settings.version = version

    def asked(self, part: str) -> list[str]:
        return [request for request in self.server.requests if part in request]


@pytest.fixture(params=["gitea", "forgejo"])
async def own(request: pytest.FixtureRequest, forge_servers: Servers, tmp_path: Path) -> AsyncIterator[Own]:
    """Either of them."""
    async with alone(request.param, forge_servers, tmp_path, Own) as made:
        yield made


@pytest.fixture
async def gitea(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[Own]:
    async with alone("gitea", forge_servers, tmp_path, Own) as made:
        yield made


@pytest.fixture
async def forgejo(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[Own]:
    async with alone("forgejo", forge_servers, tmp_path, Own) as made:
        yield made


async def head_of(own: Own, branch: str = "main") -> str:
    return (await own.platform.get_branch(own.repo, branch)).sha


async def open_pr(own: Own, branch: str = BRANCH, path: str = "fix.txt") -> PullRequest:
    base = await head_of(own)
    await own.platform.ensure_branch(own.repo, branch, base)
    change = (FileChange(path, WRITE, b"fixed\n"),)
    await own.platform.commit_files(own.repo, branch, change, "Fix it", base, f"op-{branch}")
    spec = PullRequestSpec(branch, "main", "Fix it", "Because.")
    return (await own.platform.ensure_pr(own.repo, spec, f"op-pr-{branch}")).pull_request


# --- the server -------------------------------------------------------------------------------------------


async def test_the_version_is_asked_once(own: Own) -> None:
    assert (await own.platform.server_version()).startswith(("1.27", "16.0"))
    await own.platform.capabilities()
    assert len(own.asked("/version")) == 1


async def test_a_server_that_tells_nobody_its_version_is_taken_for_an_old_one(own: Own) -> None:
    own.server_settings.tells = False
    assert await own.platform.server_version() == ""
    assert i.CI_RUNS not in await own.platform.capabilities()
    with pytest.raises(Unsupported) as caught:
        await own.platform.get_run(own.repo, "1")
    assert caught.value.hint


async def test_an_old_forgejo_says_elsewhere_what_it_is(forgejo: Own) -> None:
    forgejo.be("1.21.4-0")
    assert await forgejo.platform.server_version() == "6.0.4+0-gitea-1.21.4"
    assert i.CI_RUNS not in await forgejo.platform.capabilities()


async def test_a_forgejo_that_is_called_gitea_is_known(forgejo: Own) -> None:
    named_wrongly = Gitea(replace(forgejo.platform.settings, type="gitea"))
    try:
        assert i.CI_CANCEL in await named_wrongly.capabilities()
        assert i.RESOLVE_THREADS not in await named_wrongly.capabilities()
    finally:
        await named_wrongly.close()


async def test_the_address_may_name_the_api(own: Own) -> None:
    settings = replace(own.platform.settings, base_url=f"{own.server.url}/api/v1/")
    platform = (Forgejo if settings.type == "forgejo" else Gitea)(settings)
    try:
        assert (await platform.get_repository(own.repo)).default_branch == "main"
    finally:
        await platform.close()


async def test_the_token_is_shown_as_these_services_want_it(own: Own) -> None:
    await own.platform.check_credentials()
    assert own.server.log[-1].headers["authorization"] == "***"
    credentials = await own.platform.git_credentials(own.repo)
    assert credentials.token == own.server.token


async def test_ssh_and_renames_are_in_the_repository(own: Own) -> None:
    settings = replace(own.platform.settings, git_over="ssh")
    platform = (Forgejo if settings.type == "forgejo" else Gitea)(settings)
    own.rename("howdy")
    try:
        found = await platform.get_repository(own.repo)
    finally:
        await platform.close()
    assert found.clone_url == "git@git.example.test:octo/howdy.git"
    assert found.ref == RepoRef(own.repo.platform_id, "octo", "howdy")


# --- pages ------------------------------------------------------------------------------------------------


async def test_issues_come_oldest_first_from_a_server_that_has_them_newest_first(own: Own) -> None:
    own.server_settings.at_most = 3
    wanted = await own.add_issues(8)
    found: list[str] = []
    cursor: str | None = None
    sizes: list[int] = []
    while True:
        page = await own.platform.list_issues(own.repo, IssueFilter(), cursor)
        sizes.append(len(page.items))
        found += [issue.number for issue in page.items]
        cursor = page.next_cursor
        await own.add_issues(1, "A later one")  # does not move those that are to come
        if cursor is None or len(found) >= 8:
            break
    assert found[:8] == wanted
    assert max(sizes) == 3


async def test_a_label_that_nobody_knows_is_on_no_issue(own: Own) -> None:
    """The server passes over it and gives all."""
    await own.add_issues(2)
    found = await own.platform.list_issues(own.repo, IssueFilter(labels=("no such",)))
    assert found.items == ()


async def test_all_pages_of_what_has_no_link_are_read(own: Own) -> None:
    own.server_settings.at_most = 2
    pull = await open_pr(own)
    for number in range(5):
        await own.review(pull.number, ReviewEvent.COMMENT, f"review {number}")
        own.hello.start_run(BRANCH, jobs=("build",))
    reviews = await own.platform.list_reviews(own.repo, pull.number)
    assert [review.body for review in reviews] == [f"review {number}" for number in range(5)]
    runs: list[str] = []
    cursor: str | None = None
    while True:
        page = await own.platform.list_runs(own.repo, branch=BRANCH, cursor=cursor)
        runs += [run.id for run in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert runs == [str(run.id) for run in reversed(own.hello.runs)]
    for number in range(5):
        own.hello.set_status(pull.head_sha, f"check {number}", "success")
    assert len((await own.platform.get_checks(own.repo, pull.head_sha)).checks) == 5


# --- commits ----------------------------------------------------------------------------------------------


async def test_modes_and_links_are_committed_as_they_are(own: Own) -> None:
    base = await head_of(own)
    await own.platform.ensure_branch(own.repo, BRANCH, base)
    changes = (
        FileChange("run.sh", WRITE, b"#!/bin/sh\n", "100755"),
        FileChange("bin/häß", WRITE, b"\0\xff", "100755"),
        FileChange("link", WRITE, b"README.md", "120000"),
        FileChange("src/app.py", WRITE, b"print(1)\n", "100755"),
        FileChange("README.md", ChangeKind.DELETE),
    )
    made = await own.platform.commit_files(own.repo, BRANCH, changes, "Modes", base, "op-1")
    assert own.asked("/diffpatch") == ["POST /api/v1/repos/octo/hello/diffpatch"]
    commit = own.hello.commit_of(made.sha)
    modes = {change.path: f"{int(commit.tree[change.path].filemode):06o}" for change in changes[:4]}
    assert modes == {change.path: change.mode for change in changes[:4]}
    assert "README.md" not in commit.tree
    assert commit.message.endswith("Tamma-Op: op-1\n")
    again = await own.platform.commit_files(own.repo, BRANCH, changes, "Modes", base, "op-1")
    assert (again.sha, again.created) == (made.sha, False)


async def test_an_executable_stays_one_without_a_patch(own: Own) -> None:
    base = own.hello.commit("main", [FileChange("run.sh", WRITE, b"1", "100755")], "by hand")
    change = (FileChange("run.sh", WRITE, b"2", "100755"),)
    made = await own.platform.commit_files(own.repo, "main", change, "Change it", base, "op-1")
    assert own.asked("/diffpatch") == []
    assert int(own.hello.commit_of(made.sha).tree["run.sh"].filemode) == 0o100755


@pytest.mark.parametrize("theirs", ["README.md", "another.txt"])
@pytest.mark.parametrize("mode", ["100644", "100755"])
async def test_a_push_between_our_look_and_our_write_is_found(own: Own, theirs: str, mode: str) -> None:
    base = await head_of(own)
    await own.platform.ensure_branch(own.repo, BRANCH, base)
    pushed: list[str] = []

    class Interrupted(Gitea):
        KIND = "forgejo" if own.platform.settings.type == "forgejo" else "gitea"

        async def _blob(
            self, repo: RepoRef, commit: str, path: str, found: dict[str, dict[str, TreeEntry]]
        ) -> Blob | None:
            there = await super()._blob(repo, commit, path, found)
            pushed.append(own.hello.push(BRANCH, theirs, b"theirs"))
            return there

    platform = Interrupted(own.platform.settings)
    change = (FileChange("README.md", WRITE, b"ours", mode),)
    try:
        with pytest.raises(StaleHead) as caught:
            await platform.commit_files(own.repo, BRANCH, change, "Ours", base, "op-1")
    finally:
        await platform.close()
    assert pushed[0][:12] in caught.value.message
    assert await own.platform.get_file(own.repo, theirs, BRANCH) == b"theirs"  # nothing of theirs is lost


# --- labels and people ------------------------------------------------------------------------------------


async def test_labels_of_the_organisation_are_used(own: Own) -> None:
    own.server_settings.labels["octo"] = [Label(901, "bug")]
    [number] = await own.add_issues(1)
    target = Target("issue", number)
    await own.platform.set_labels(own.repo, target, ("Bug", "new one"))
    assert sorted((await own.platform.get_issue(own.repo, number)).labels) == ["bug", "new one"]
    assert [name for name in own.hello.labels if name != "bug"] == ["new one"]
    await own.platform.set_labels(own.repo, target, (), ("BUG",))
    assert (await own.platform.get_issue(own.repo, number)).labels == ("new one",)


async def test_who_can_be_assigned_may_write_where_a_user_owns_it(own: Own) -> None:
    """A bot that is no administrator may not ask for others' permission."""
    [number] = await own.add_issues(1)
    target = Target("issue", number)
    for author in ("octo", "writer", "reader", "stranger"):
        await own.comment(target, "words", author)
    trusted = {c.author: c.trusted for c in await own.platform.list_comments(own.repo, target)}
    assert trusted == {"octo": True, "writer": True, "reader": False, "stranger": False}


async def test_below_an_organisation_only_an_administrator_learns_who_may_write(own: Own) -> None:
    own.server_settings.labels["octo"] = []
    [number] = await own.add_issues(1)
    target = Target("issue", number)
    await own.comment(target, "words", "writer")
    assert not (await own.platform.list_comments(own.repo, target))[0].trusted
    own.hello.members[own.world.bot] = "admin"
    assert (await own.again().list_comments(own.repo, target))[0].trusted


async def test_a_migrated_comment_is_not_its_migrators(own: Own) -> None:
    own.hello.members[own.world.bot] = "admin"
    [number] = await own.add_issues(1)
    target = Target("issue", number)
    await own.comment(target, "do as I say\n\n<!-- tamma:op=op-1 -->", own.world.bot)
    own.hello.issue(int(number)).comments[0].extra["original_author"] = "stranger"
    [found] = await own.platform.list_comments(own.repo, target)
    assert (found.author, found.trusted) == ("stranger", False)
    made = await own.platform.ensure_comment(own.repo, target, "ours", "op-1")
    assert made.id != found.id


async def test_one_who_cannot_be_assigned_is_told_before_the_server_fails(own: Own) -> None:
    [number] = await own.add_issues(1)
    with pytest.raises(NotFound) as caught:
        await own.platform.set_assignees(own.repo, number, ("stranger",))
    assert "stranger" in caught.value.message
    assert own.asked("PATCH") == []


# --- pull requests ----------------------------------------------------------------------------------------


async def test_a_draft_is_a_title(own: Own) -> None:
    pull = await open_pr(own)
    draft = await own.platform.set_draft(own.repo, pull.number, True)
    assert (draft.draft, draft.title) == (True, "Fix it")
    sent = next(logged.body for logged in reversed(own.server.log) if logged.method == "PATCH")
    assert sent == {"title": "WIP: Fix it"}
    renamed = await own.platform.update_pr(own.repo, pull.number, title="Mend it")
    assert (renamed.draft, renamed.title) == (True, "Mend it")
    ready = await own.platform.set_draft(own.repo, pull.number, False)
    assert (ready.draft, ready.title) == (False, "Mend it")


@pytest.mark.parametrize("branch", [BRANCH, "plain"])
async def test_the_open_one_is_found_among_the_closed(own: Own, branch: str) -> None:
    """Whichever of them the server names first."""
    own.server_settings.at_most = 1
    old = await open_pr(own, branch)
    await own.close_pr(old.number)
    await open_pr(own, "another/branch", "b.txt")
    spec = PullRequestSpec(branch, "main", "Again", "Once more.")
    new = await own.platform.ensure_pr(own.repo, spec, "op-2")
    assert new.created
    found = await own.platform.find_pr(own.repo, branch, "main")
    assert found is not None
    assert found.number == new.pull_request.number
    await own.close_pr(found.number)
    found = await own.platform.find_pr(own.repo, branch, "main")
    assert found is not None
    assert found.number == new.pull_request.number
    assert await own.platform.find_pr(own.repo, branch, "no/such/base") is None
    listed = await own.platform.list_prs(own.repo, PullRequestFilter(state="closed", head=branch))
    assert {pull.head for pull in listed.items} <= {branch}


async def test_a_merge_is_pinned_and_says_all_it_means(own: Own) -> None:
    pull = await open_pr(own)
    done = await own.platform.merge_pr(
        own.repo, pull.number, "squash", pull.head_sha, "Fix it (#1)\n\nBecause."
    )
    assert done.outcome is MergeOutcome.MERGED
    sent = next(logged.body for logged in own.server.log if logged.path.endswith("/merge"))
    assert sent == {
        "Do": "squash",
        "head_commit_id": pull.head_sha,
        "delete_branch_after_merge": False,
        "MergeTitleField": "Fix it (#1)",
        "MergeMessageField": "Because.",
    }


async def test_a_branch_may_go_on_after_its_merge(own: Own) -> None:
    """The pull request then shows the branch's new commit; what was merged is a reference of its own."""
    pull = await open_pr(own)
    done = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    pushed = await own.push(BRANCH, "more.txt", b"more")
    assert await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha) == done
    with pytest.raises(Conflict) as caught:
        await own.platform.merge_pr(own.repo, pull.number, "merge", pushed)
    assert pull.head_sha[:12] in caught.value.message


async def test_a_merge_while_the_server_looks_for_conflicts_comes_again(own: Own) -> None:
    pull = await open_pr(own)
    for looks in (2, 3):  # ours, the merge's, and ours again
        own.compute(looks)
        with pytest.raises(Transient) as caught:
            await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
        assert "try again later" in caught.value.message
    done = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


async def test_a_conflict_is_told_from_a_look_for_one(own: Own) -> None:
    pull = await open_pr(own, path="README.md")
    own.compute(1)
    state = await own.platform.merge_readiness(own.repo, pull.number)
    assert state.category is MergeCategory.IN_PROGRESS  # the base has not moved: nothing can conflict
    await own.push("main", "another.txt", b"theirs")
    own.compute(1)
    state = await own.platform.merge_readiness(own.repo, pull.number)
    assert state.category is MergeCategory.IN_PROGRESS  # it has, elsewhere
    await own.push("main", "README.md", b"theirs")
    state = await own.platform.merge_readiness(own.repo, pull.number)
    assert (state.category, state.reason) == (MergeCategory.RECOVERABLE, "it conflicts with the base branch")
    refused = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert (refused.outcome, refused.reason) == (MergeOutcome.REFUSED, "it conflicts with the base branch")


async def test_a_merge_is_scheduled_once(own: Own) -> None:
    pull = await open_pr(own)
    own.protect("main", checks=("ci",))
    for _ in range(2):
        done = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha, when_ready=True)
        assert done.outcome is MergeOutcome.SCHEDULED
    assert own.world.effects["auto_merge"] == 1
    await own.report(pull.head_sha, "ci", CheckState.SUCCESS)
    done = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert done.outcome is MergeOutcome.MERGED


async def test_who_may_not_merge_is_told(own: Own) -> None:
    pull = await open_pr(own)
    own.hello.members[own.world.bot] = "read"
    state = await own.platform.merge_readiness(own.repo, pull.number)
    assert state.category is MergeCategory.TERMINAL
    refused = await own.platform.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert "not allowed" in refused.reason


async def test_an_archived_repository_says_so(own: Own) -> None:
    sha = await head_of(own)
    own.archive()
    with pytest.raises(Forbidden) as caught:
        await own.platform.ensure_branch(own.repo, "new", sha)
    assert "archive" in (caught.value.hint or "")


# --- reviews ----------------------------------------------------------------------------------------------


async def reviewed(own: Own) -> tuple[PullRequest, str]:
    """With one remark of ours; its thread."""
    pull = await open_pr(own)
    spec = ReviewSpec(ReviewEvent.COMMENT, "read", pull.head_sha, (InlineComment("fix.txt", 1, "why?"),))
    await own.platform.submit_review(own.repo, pull.number, spec, "op-review")
    [thread] = await own.platform.list_threads(own.repo, pull.number)
    return pull, thread.id


async def test_what_asks_for_a_review_is_none(own: Own) -> None:
    pull = await open_pr(own)
    await own.platform.request_reviewers(own.repo, pull.number, ("writer",))
    assert await own.platform.list_reviews(own.repo, pull.number) == ()


async def test_a_verdict_on_our_own_is_refused_with_what_to_do(own: Own) -> None:
    pull = await open_pr(own)
    for event in (ReviewEvent.APPROVE, ReviewEvent.REQUEST_CHANGES):
        spec = ReviewSpec(event, "fine", pull.head_sha)
        with pytest.raises(Forbidden) as caught:
            await own.platform.submit_review(own.repo, pull.number, spec, f"op-{event}")
        assert "another account" in (caught.value.hint or "")


async def test_a_reply_joins_the_thread_by_the_way_that_the_server_has(own: Own) -> None:
    pull, thread = await reviewed(own)
    await own.platform.reply(own.repo, pull.number, thread, "because", "op-reply")
    way = "/replies" if own.name == "gitea" else "/comments"
    assert [r for r in own.asked("POST") if r.endswith(way)]
    [found] = await own.platform.list_threads(own.repo, pull.number)
    assert [comment.body for comment in found.comments] == ["why?", "because"]


async def test_an_old_gitea_joins_what_stands_on_one_line(gitea: Own) -> None:
    gitea.be("1.26.4")
    pull, thread = await reviewed(gitea)
    for words in ("because", "because of it", "because of it"):
        await gitea.platform.reply(gitea.repo, pull.number, thread, words, "op-reply")
    assert gitea.asked("/replies") == []
    [found] = await gitea.platform.list_threads(gitea.repo, pull.number)
    assert [comment.body for comment in found.comments] == ["why?", "because of it"]
    assert len(await gitea.platform.list_reviews(gitea.repo, pull.number)) == 1  # a reply is none


async def test_threads_are_resolved_from_gitea_1_26_on(gitea: Own) -> None:
    pull, thread = await reviewed(gitea)
    for resolved in (True, True, False):
        await gitea.platform.resolve_thread(gitea.repo, pull.number, thread, resolved)
        [found] = await gitea.platform.list_threads(gitea.repo, pull.number)
        assert found.resolved is resolved
    assert gitea.world.effects["resolve"] == 2
    gitea.be("1.25.0")
    with pytest.raises(Unsupported) as caught:
        await gitea.again().resolve_thread(gitea.repo, pull.number, thread)
    assert "Gitea 1.26" in (caught.value.hint or "")


# --- Actions ----------------------------------------------------------------------------------------------


async def test_a_failed_check_leads_to_its_log(own: Own) -> None:
    pull = await open_pr(own)
    run = own.hello.start_run(BRANCH, jobs=("build", "test"))
    for job in run.jobs:
        failed = job.name == "test"
        job.state, job.log = ("failure" if failed else "success"), f"{job.name}\n".encode()
        name = f"CI / {job.name} (pull_request)"
        own.hello.report_check(pull.head_sha, name, job.state, job=job.id)
    run.state = "failure"
    found = await own.platform.get_checks(own.repo, pull.head_sha)
    assert found.state is CheckState.FAILURE
    ids = {check.name: check.job_id for check in found.checks}
    assert ids["CI / build (pull_request)"] is None
    job_id = ids["CI / test (pull_request)"]
    assert job_id is not None
    assert (await own.platform.get_job_log(own.repo, job_id)).text == "test\n"


async def test_a_job_that_has_not_written_has_an_empty_log(own: Own) -> None:
    run = own.hello.start_run("main")
    [job] = await own.platform.list_jobs(own.repo, str(run.id))
    assert (await own.platform.get_job_log(own.repo, job.id)).text == ""
    for job_id in ("99999", f"{run.id}/99999"):
        with pytest.raises(NotFound):
            await own.platform.get_job_log(own.repo, job_id)


@pytest.mark.parametrize("version", ["1.25.3", "1.26.0"])
async def test_a_run_is_found_where_the_server_does_not_name_it(gitea: Own, version: str) -> None:
    gitea.be(version)
    run = await gitea.platform.trigger_ci(gitea.repo, CiTrigger("main", "ci.yml"), "op-1")
    again = await gitea.platform.trigger_ci(gitea.repo, CiTrigger("main", "ci.yml"), "op-1")
    assert (run.id, run.name) == (str(gitea.hello.runs[0].id), "ci.yml")
    assert again == run
    named = [logged.query for logged in gitea.server.log if logged.path.endswith("/dispatches")]
    assert named == [{} if version == "1.25.3" else {"return_run_details": "true"}]


async def test_somebody_elses_run_is_not_ours(own: Own) -> None:
    own.hello.start_run("main", event="workflow_dispatch", by="writer")
    run = await own.platform.trigger_ci(own.repo, CiTrigger("main", "ci.yml"), "op-1")
    assert run.id == str(own.hello.runs[1].id)


async def test_a_run_is_of_the_branch_as_it_is(own: Own) -> None:
    old = await head_of(own)
    await own.push("main", "another.txt", b"theirs")
    with pytest.raises(StaleHead):
        await own.platform.trigger_ci(own.repo, CiTrigger("main", "ci.yml", sha=old), "op-1")
    assert own.hello.runs == []


async def test_jobs_of_an_older_forgejo_are_its_tasks(forgejo: Own) -> None:
    forgejo.be("15.0.9+gitea-1.22.0")
    forgejo.hello.start_run("main", jobs=("other",))
    run = forgejo.hello.start_run("main", jobs=("build", "test"))
    jobs = await forgejo.platform.list_jobs(forgejo.repo, str(run.id))
    assert [job.name for job in jobs] == ["build", "test"]
    with pytest.raises(Unsupported) as caught:
        await forgejo.platform.get_job_log(forgejo.repo, jobs[0].id)
    assert "Forgejo 16" in (caught.value.hint or "")


async def test_gitea_1_28_stops_a_run(gitea: Own) -> None:
    gitea.be("1.28.0")
    run = gitea.hello.start_run("main")
    for _ in range(2):
        await gitea.platform.cancel_run(gitea.repo, str(run.id))
    assert (run.state, gitea.world.effects["cancel"]) == ("failure", 1)


async def test_forgejo_17_runs_again(forgejo: Own) -> None:
    forgejo.be("17.0.0+gitea-1.22.0")
    run = forgejo.hello.start_run("main")
    forgejo.hello.finish_run(run, "failure")
    for _ in range(2):
        again = await forgejo.platform.rerun(forgejo.repo, str(run.id))
        assert again.state is CheckState.PENDING
    assert forgejo.world.effects["rerun"] == 1


async def test_gitea_1_26_runs_all_again(gitea: Own) -> None:
    gitea.be("1.26.0")
    run = gitea.hello.start_run("main")
    gitea.hello.finish_run(run, "failure")
    await gitea.platform.rerun(gitea.repo, str(run.id))
    assert [r for r in gitea.asked("POST") if r.endswith("/rerun")]
