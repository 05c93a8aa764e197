"""What is Bitbucket Data Center's own, over a server that is checked against the description of 9.2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    StaleHead,
    Transient,
    Unsupported,
)
from tamma.model.repository import (
    CheckState,
    InlineComment,
    MergeCategory,
    MergeOutcome,
    MergeResult,
    Obstacle,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
)
from tamma.platforms import interface as i
from tamma.platforms.bitbucket_dc.errors import dialect, reason
from tamma.platforms.bitbucket_dc.merging import merge_state
from tamma.platforms.bitbucket_dc.models import (
    BranchAnswer,
    CommitAnswer,
    Mergeability,
    PullAnswer,
    RepositoryAnswer,
    User,
)
from tamma.platforms.bitbucket_dc.platform import BitbucketDataCenter
from tamma.platforms.bitbucket_dc.profile import Profile
from tamma.platforms.bitbucket_dc.remarks import CommentAnswer, Diff
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.http.messages import Response
from tamma.platforms.interface import Platform, PlatformSettings
from tests.platforms.conftest import Servers
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.registry import ENTRIES
from tests.support.forge.description import specs_folder
from tests.support.forge.faces.bitbucket_dc.common import Server, server_of
from tests.support.forge.world import World

BRANCH = "tamma/7-fix"
CONTENT = b"one\ntwo\nthree\n"


class Raced(BitbucketDataCenter):
    """Lets something happen once between its look and its write."""

    meanwhile: Callable[[], object] | None = None

    def _happen(self) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            happening()

    async def _edit_pull(self, repo: RepoRef, pull: PullAnswer, wanted: dict[str, object]) -> PullAnswer:
        self._happen()
        return await super()._edit_pull(repo, pull, wanted)

    async def _change(
        self, repo: RepoRef, number: str, comment: CommentAnswer, wanted: dict[str, object]
    ) -> CommentAnswer:
        self._happen()
        return await super()._change(repo, number, comment, wanted)

    async def _settled(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        self._happen()
        return await super()._settled(repo, pull, expected_head)

    async def _judge(self, repo: RepoRef, pull: PullAnswer, review: ReviewSpec) -> None:
        self._happen()
        await super()._judge(repo, pull, review)

    async def _between(self, repo: RepoRef, head: str, base: str) -> PullAnswer | None:
        found = await super()._between(repo, head, base)
        self._happen()
        return found


class Own(ForgeHarness):
    """With what a test may say of the server."""

    def make(self, settings: PlatformSettings) -> Platform:
        return Raced(settings)

    @property
    def dc(self) -> Raced:
        assert isinstance(self.platform, Raced)
        return self.platform

    @property
    def server_settings(self) -> Server:
        return server_of(self.world)


@pytest.fixture
async def own(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[Own]:
    entry = next(entry for entry in ENTRIES if entry.name == "bitbucket-dc")
    made = Own(entry.name, forge_servers(entry, World(tmp_path, shared_numbers=False)), entry.type)
    yield made
    await made.close()
    assert made.server.violations == []


async def branch_with(own: Own, path: str = "fix.txt", content: bytes = CONTENT) -> str:
    base = await own.dc.get_branch(own.repo, "main")
    await own.dc.ensure_branch(own.repo, BRANCH, base.sha)
    return await own.push(BRANCH, path, content)


async def opened(own: Own, path: str = "fix.txt", content: bytes = CONTENT) -> PullRequest:
    await branch_with(own, path, content)
    spec = PullRequestSpec(BRANCH, "main", "Fix it", "Because.")
    return (await own.dc.ensure_pr(own.repo, spec, "op-pr")).pull_request


# --- how it says no ---------------------------------------------------------------------------------------


def refused(
    status: int, exception: str = "", message: str = "No.", has_token: bool = True, **headers: str
) -> PlatformError:
    named = f"com.atlassian.bitbucket.{exception}" if exception else None
    body = {"errors": [{"context": None, "message": message, "exceptionName": named}]}
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(status, lower, json.dumps(body).encode())
    said = reason(response)
    return error_for(Answer(status, said, lower, "GET /x", "dc", has_token), dialect())


@pytest.mark.parametrize(
    ("status", "exception", "kind", "may_retry"),
    [
        (400, "ArgumentValidationException", PlatformError, False),
        (401, "auth.IncorrectPasswordAuthenticationException", BadCredentials, False),
        (401, "AuthorisationException", Forbidden, False),
        (403, "ForbiddenException", Forbidden, False),
        (404, "repository.NoSuchRepositoryException", NotFound, False),
        (404, "project.NoSuchProjectException", NotFound, False),
        (404, "pull.NoSuchPullRequestException", NotFound, False),
        (409, "pull.DuplicatePullRequestException", Conflict, False),
        (409, "pull.PullRequestOutOfDateException", Conflict, False),
        (429, "", PlatformRateLimited, True),
        (500, "ServerException", Transient, True),
        (503, "", Transient, True),
    ],
)
def test_what_a_refusal_means(
    status: int, exception: str, kind: type[PlatformError], may_retry: bool
) -> None:
    error = refused(status, exception)
    assert type(error) is kind
    assert error.may_retry is may_retry
    assert exception.rpartition(".")[2] in error.message


def test_what_nobody_may_see_without_a_token_asks_for_one() -> None:
    error = refused(401, "AuthorisationException", has_token=False)
    assert isinstance(error, BadCredentials)


def test_a_captcha_is_answered_by_a_person() -> None:
    error = refused(403, x_authentication_denied_reason="CAPTCHA_CHALLENGE; login-url=https://x")
    assert isinstance(error, BadCredentials)
    assert "CAPTCHA" in (error.hint or "")


def test_an_archived_repository_is_named_whatever_the_status() -> None:
    error = refused(409, message="The repository is archived.")
    assert isinstance(error, Forbidden)
    assert "archive" in (error.hint or "")


def test_reviewers_and_vetoes_are_told_with_the_refusal() -> None:
    inner = [{"message": "zed is not a user."}, {"summaryMessage": "Not enough approvals"}, "odd"]
    body: dict[str, Any] = {"errors": [{"message": "No.", "reviewerErrors": inner}, "odd"]}
    assert reason(Response(409, {}, json.dumps(body).encode())) == (
        "No.; zed is not a user.; Not enough approvals"
    )
    assert reason(Response(500, {}, b"[]")) == ""
    assert reason(Response(500, {}, b"down")) == "down"


# --- the server -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("7.21.0", set[str]()),
        ("8.9.2", {i.RESOLVE_THREADS}),
        ("8.15.0", {i.RESOLVE_THREADS, i.AUTO_MERGE}),
        ("9.2.0", {i.RESOLVE_THREADS, i.AUTO_MERGE, i.DRAFTS}),
        ("10.0.0-rc1", {i.RESOLVE_THREADS, i.AUTO_MERGE, i.DRAFTS}),
        ("", set[str]()),
    ],
)
def test_what_a_version_can_do(said: str, more: set[str]) -> None:
    assert Profile(said).capabilities - Profile("7.21").capabilities == more


async def test_an_old_server_refuses_what_it_lacks_before_anything_is_written(own: Own) -> None:
    own.server_settings.version = "7.21.3"
    head = await branch_with(own)
    draft = PullRequestSpec(BRANCH, "main", "Fix", "b", draft=True)
    with pytest.raises(Unsupported) as caught:
        await own.dc.ensure_pr(own.repo, draft, "op")
    assert "8.18" in (caught.value.hint or "")
    made = await own.dc.ensure_pr(own.repo, replace(draft, draft=False), "op")
    number = made.pull_request.number
    assert not made.pull_request.draft
    updated = await own.dc.update_pr(own.repo, number, title="New")
    assert updated.title == "New"
    with pytest.raises(Unsupported):
        await own.dc.set_draft(own.repo, number, True)
    with pytest.raises(Unsupported):
        await own.dc.resolve_thread(own.repo, number, "1")
    own.hello.protect("main", ("ci",))
    with pytest.raises(Unsupported) as caught:
        await own.dc.merge_pr(own.repo, number, "merge", head, when_ready=True)
    assert caught.value.capability == i.AUTO_MERGE


async def test_who_we_are_and_the_version_come_with_one_call(own: Own) -> None:
    assert (await own.dc.check_credentials()).login == own.world.bot
    assert await own.dc.server_version() == "9.2.0"
    assert own.server.requests == ["GET /rest/api/latest/application-properties"]


async def test_a_request_without_a_token_is_nobodys(own: Own) -> None:
    anonymous = BitbucketDataCenter(PlatformSettings("dc", "bitbucket-dc", own.server.url))
    with pytest.raises(BadCredentials):
        await anonymous.check_credentials()
    assert await anonymous.server_version() == "9.2.0"
    await anonymous.close()


@pytest.mark.parametrize(
    ("auth", "username", "scheme"),
    [("pat", "", "Bearer"), ("pat", "mona", "Bearer"), ("basic", "mona", "Basic")],
)
async def test_a_token_is_shown_as_the_account_says(own: Own, auth: Any, username: str, scheme: str) -> None:
    settings = replace(own.dc.settings, auth=auth, username=username)
    platform = BitbucketDataCenter(settings)
    assert (await platform.check_credentials()).login == own.world.bot
    await platform.close()
    assert own.server_settings.schemes == [scheme]


@pytest.mark.parametrize("below", ["", "/rest", "/rest/api/1.0", "/rest/api/latest", "/"])
async def test_the_address_of_the_api_is_one_of_the_server_too(own: Own, below: str) -> None:
    platform = BitbucketDataCenter(replace(own.dc.settings, base_url=own.server.url + below))
    assert await platform.server_version() == "9.2.0"
    await platform.close()


async def test_git_gets_an_address_without_a_name_and_a_name_beside_it(own: Own) -> None:
    found = await own.dc.get_repository(own.repo)
    assert found.clone_url == f"{own.server.url}/scm/octo/hello.git"
    assert found.private
    given = await own.dc.git_credentials(own.repo)
    assert (given.username, given.token) == (own.world.bot, own.server.token)
    ssh = BitbucketDataCenter(replace(own.dc.settings, git_over="ssh"))
    assert (await ssh.get_repository(own.repo)).clone_url.startswith("ssh://git@")
    await ssh.close()


async def test_a_token_of_a_repository_has_a_name_of_its_own_for_git(own: Own) -> None:
    own.server_settings.named = "access-token-user/repo/16"
    assert (await own.dc.git_credentials(own.repo)).username == "x-token-auth"


async def test_lists_of_small_pages_are_read_to_their_end(own: Own) -> None:
    own.server_settings.at_most = 2
    number = (await opened(own)).number
    for index in range(5):
        await own.comment(Target("pull_request", number), f"comment {index}")
        own.hello.create_branch(f"{BRANCH}-{index}", own.hello.branch("main") or "")
    listed = await own.dc.list_comments(own.repo, Target("pull_request", number))
    assert [comment.body for comment in listed] == [f"comment {index}" for index in range(5)]
    assert (await own.dc.get_branch(own.repo, f"{BRANCH}-4")).name == f"{BRANCH}-4"
    with pytest.raises(NotFound):
        await own.dc.get_branch(own.repo, "tamma/7")


# --- pull requests ----------------------------------------------------------------------------------------


async def test_labels_are_refused_and_name_what_to_do(own: Own) -> None:
    await branch_with(own)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b", labels=("bug",))
    with pytest.raises(Unsupported):
        await own.dc.ensure_pr(own.repo, spec, "op")
    assert own.changes() == 1, "the branch alone"


async def test_our_mark_is_a_footer_for_html_comments_would_show(own: Own) -> None:
    number = (await opened(own)).number
    await own.dc.ensure_comment(own.repo, Target("pull_request", number), "hello", "op-c")
    pull = own.hello.pull(int(number))
    assert pull.body == "Because.\n\n_tamma:op=op-pr_"
    assert pull.comments[0].body == "hello\n\n_tamma:op=op-c_"


async def test_a_text_is_measured_as_java_does(own: Own) -> None:
    await branch_with(own)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "🐛" * 20_000, link="https://example.test/whole")
    made = await own.dc.ensure_pr(own.repo, spec, "op")
    assert "https://example.test/whole" in made.pull_request.body
    stored = own.hello.pull(int(made.pull_request.number)).body or ""
    assert 30_000 < len(stored.encode("utf-16-le")) // 2 <= 32_768


async def test_an_edit_gives_back_what_it_leaves_alone(own: Own) -> None:
    number = (await opened(own)).number
    await own.dc.request_reviewers(own.repo, number, ("octo", "writer"))
    edited = await own.dc.update_pr(own.repo, number, title="Other")
    assert (edited.title, edited.body, edited.reviewers) == ("Other", "Because.", ("octo", "writer"))
    assert (await own.dc.set_draft(own.repo, number, True)).reviewers == ("octo", "writer")
    asked = await own.dc.update_pr(own.repo, number, body="More.")
    assert (asked.title, asked.draft) == ("Other", True)


async def test_what_somebody_changes_in_that_moment_is_tried_again(own: Own) -> None:
    number = (await opened(own)).number
    pull = own.hello.pull(int(number))
    own.dc.meanwhile = lambda: own.hello.edit(pull, "Theirs")
    with pytest.raises(Transient):
        await own.dc.update_pr(own.repo, number, title="Ours")
    assert (await own.dc.get_pr(own.repo, number)).title == "Theirs"
    target = Target("pull_request", number)
    await own.dc.ensure_comment(own.repo, target, "one", "op-c")
    own.dc.meanwhile = lambda: pull.comments[0].extra.update(version=7)
    with pytest.raises(Transient):
        await own.dc.ensure_comment(own.repo, target, "two", "op-c")
    assert (await own.dc.ensure_comment(own.repo, target, "two", "op-c")).body == "two"


async def test_somebody_was_quicker_to_open_it(own: Own) -> None:
    await branch_with(own)
    own.dc.meanwhile = lambda: own.hello.open_pull(BRANCH, "main", "Theirs", "", "writer")
    done = await own.dc.ensure_pr(own.repo, PullRequestSpec(BRANCH, "main", "t", "b"), "op")
    assert (done.created, done.pull_request.title) == (False, "Theirs")


async def test_a_closed_pull_request_with_a_copied_mark_is_not_ours(own: Own) -> None:
    await branch_with(own)
    theirs = own.hello.open_pull(BRANCH, "main", "Theirs", "x\n\n_tamma:op=op-pr_", "writer")
    own.hello.close(theirs)
    done = await own.dc.ensure_pr(own.repo, PullRequestSpec(BRANCH, "main", "Ours", "b"), "op-pr")
    assert (done.created, done.pull_request.title) == (True, "Ours")


async def test_a_branch_whose_name_only_ends_so_is_another(own: Own) -> None:
    own.hello.create_branch("hot/fix", own.hello.branch("main") or "")
    own.hello.create_branch("fix2", own.hello.branch("main") or "")
    with pytest.raises(NotFound):
        await own.dc.get_branch(own.repo, "fix")


async def test_a_list_by_its_base_or_its_head(own: Own) -> None:
    number = (await opened(own)).number
    for query in (PullRequestFilter(base="main"), PullRequestFilter(head=BRANCH, base="main")):
        page = await own.dc.list_prs(own.repo, query)
        assert [pull.number for pull in page.items] == [number]
    assert (await own.dc.list_prs(own.repo, PullRequestFilter(base=BRANCH))).items == ()


# --- merging ----------------------------------------------------------------------------------------------


async def test_a_push_that_the_pull_request_does_not_show_yet_is_stale(own: Own) -> None:
    pull = await opened(own)
    own.dc.meanwhile = lambda: own.hello.push(BRANCH, "late.txt", b"x")
    with pytest.raises(StaleHead):
        await own.dc.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert (await own.dc.get_pr(own.repo, pull.number)).state == "open"


async def test_a_fork_s_branch_is_not_looked_for_here(own: Own) -> None:
    pull = await opened(own)
    own.server_settings.behind = pull.head_sha
    await own.push(BRANCH, "another.txt", b"of the same name")
    own.server_settings.fork = "fork"
    assert await own.dc.find_pr(own.repo, BRANCH, "main") is None
    assert (await own.dc.list_prs(own.repo, PullRequestFilter())).items == ()
    done = await own.dc.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


async def test_a_push_of_ours_that_is_not_taken_in_yet_is_waited_for(own: Own) -> None:
    pull = await opened(own)
    own.server_settings.behind = pull.head_sha
    pushed = await own.push(BRANCH, "more.txt", b"x")
    review = ReviewSpec(ReviewEvent.COMMENT, "Hm.", pushed)
    with pytest.raises(Transient):
        await own.dc.merge_pr(own.repo, pull.number, "merge", pushed)
    with pytest.raises(Transient):
        await own.dc.submit_review(own.repo, pull.number, review, "op")
    with pytest.raises(StaleHead):
        await own.dc.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    own.server_settings.behind = ""
    done = await own.dc.merge_pr(own.repo, pull.number, "merge", pushed)
    assert done.outcome is MergeOutcome.MERGED


async def test_a_head_that_moves_while_we_judge_it_is_stale(own: Own) -> None:
    head = await branch_with(own)
    number = await own.open_pr(BRANCH, "main")
    own.dc.meanwhile = lambda: own.hello.push(BRANCH, "late.txt", b"x")
    with pytest.raises(StaleHead):
        await own.dc.submit_review(own.repo, number, ReviewSpec(ReviewEvent.APPROVE, "", head), "op")
    assert await own.dc.list_reviews(own.repo, number) == ()


async def test_the_message_is_ours_alone(own: Own) -> None:
    pull = await opened(own)
    done = await own.dc.merge_pr(own.repo, pull.number, "squash", pull.head_sha, "Fix\n\nIn whole.")
    assert done.sha is not None
    assert own.hello.commit_of(done.sha).message.strip() == "Fix\n\nIn whole."


async def test_a_strategy_that_is_disabled_is_another_or_a_refusal(own: Own) -> None:
    pull = await opened(own)
    own.server_settings.strategies = ("ff", "squash-ff-only")
    refused = await own.dc.merge_pr(own.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert "no-ff" in refused.reason
    done = await own.dc.merge_pr(own.repo, pull.number, "squash", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


async def test_automatic_merges_that_are_not_enabled_are_refused(own: Own) -> None:
    own.server_settings.auto_merge = False
    own.hello.protect("main", ("ci",))
    pull = await opened(own)
    done = await own.dc.merge_pr(own.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert done.outcome is MergeOutcome.REFUSED
    assert "not enabled" in done.reason


@pytest.mark.parametrize(
    ("can", "builds", "category"),
    [
        ({"canMerge": True, "outcome": "CLEAN"}, CheckState.NONE, MergeCategory.READY),
        ({"outcome": "CLEAN"}, CheckState.NONE, MergeCategory.READY),
        ({"canMerge": True, "outcome": "UNKNOWN"}, CheckState.NONE, MergeCategory.READY),
        ({"canMerge": False, "outcome": "UNKNOWN"}, CheckState.NONE, MergeCategory.IN_PROGRESS),
        ({"canMerge": False, "outcome": "CLEAN"}, CheckState.NONE, MergeCategory.RECOVERABLE),
        ({"canMerge": False, "conflicted": True}, CheckState.NONE, MergeCategory.RECOVERABLE),
        ({"vetoes": [{"summaryMessage": "Builds"}]}, CheckState.PENDING, MergeCategory.IN_PROGRESS),
        ({"vetoes": [{"summaryMessage": "Builds"}]}, CheckState.NONE, MergeCategory.IN_PROGRESS),
        ({"vetoes": [{"summaryMessage": "Builds"}]}, CheckState.FAILURE, MergeCategory.RECOVERABLE),
        ({"vetoes": [{"summaryMessage": "Builds"}]}, CheckState.SUCCESS, MergeCategory.RECOVERABLE),
        (
            {"vetoes": [{"summaryMessage": "Builds"}, {"summaryMessage": "Approvals"}]},
            CheckState.PENDING,
            MergeCategory.RECOVERABLE,
        ),
        ({"vetoes": [{"summaryMessage": ""}]}, CheckState.NONE, MergeCategory.RECOVERABLE),
    ],
)
def test_what_stands_between_it_and_a_merge(
    can: dict[str, object], builds: CheckState, category: MergeCategory
) -> None:
    pull = PullAnswer.model_validate({"id": 1, "fromRef": {"id": "refs/heads/a"}, "toRef": {"id": "b"}})
    state = merge_state(pull, Mergeability.model_validate(can), builds)
    assert state.category is category
    assert (state.obstacle is Obstacle.CONFLICT) is ("it conflicts" in state.reason)
    assert state.reason


# --- reviews ----------------------------------------------------------------------------------------------


async def test_nobody_judges_a_pull_request_of_their_own_and_nothing_is_written(own: Own) -> None:
    pull = await opened(own)
    before = own.changes()
    remark = (InlineComment("fix.txt", 1, "Hm."),)
    with pytest.raises(Forbidden) as caught:
        await own.dc.submit_review(
            own.repo, pull.number, ReviewSpec(ReviewEvent.APPROVE, "", pull.head_sha, remark), "op"
        )
    assert "COMMENT" in (caught.value.hint or "")
    assert own.changes() == before


async def test_a_review_without_words_has_some(own: Own) -> None:
    head = await branch_with(own)
    number = await own.open_pr(BRANCH, "main")
    wordless = ReviewSpec(ReviewEvent.APPROVE, "", head)
    made = await own.dc.submit_review(own.repo, number, wordless, "op")
    assert await own.dc.submit_review(own.repo, number, wordless, "op") == made
    assert made.body == "Approved."
    [listed] = await own.dc.list_reviews(own.repo, number)
    assert listed == made
    assert await own.dc.list_comments(own.repo, Target("pull_request", number)) == ()
    own.hello.review(own.hello.pull(int(number)), "approve", "Fine.", "octo")
    ours, theirs = await own.dc.list_reviews(own.repo, number)
    assert ours == made
    assert (theirs.author, theirs.event, theirs.sha, theirs.trusted) == (
        "octo",
        ReviewEvent.APPROVE,
        head,
        True,
    )
    [said] = await own.dc.list_comments(own.repo, Target("pull_request", number))
    assert (said.author, said.body) == ("octo", "Fine.")


async def test_a_stranger_who_copies_a_mark_has_written_no_review(own: Own) -> None:
    pull = await opened(own)
    target = Target("pull_request", pull.number)
    await own.comment(target, "Approved.\n\n_tamma:op=review:approve:op_", "stranger")
    assert await own.dc.list_reviews(own.repo, pull.number) == ()
    [said] = await own.dc.list_comments(own.repo, target)
    assert (said.body, said.trusted) == ("Approved.", False)


async def test_remarks_are_anchored_to_lines_as_the_diff_has_them(own: Own) -> None:
    """The server refuses an anchor whose line is of another kind."""
    await own.push("main", "long.txt", b"1\n2\n3\n4\n5\n")
    pull = await opened(own, "long.txt", b"1\n2\nthree\nand more\n4\n5\n")
    remarks = (
        InlineComment("long.txt", 3, "new"),
        InlineComment("long.txt", 5, "context"),
        InlineComment("long.txt", 3, "gone", side="old"),
    )
    review = ReviewSpec(ReviewEvent.COMMENT, "See", pull.head_sha, remarks)
    await own.dc.submit_review(own.repo, pull.number, review, "op")
    threads = await own.dc.list_threads(own.repo, pull.number)
    assert [(thread.line, thread.comments[0].body) for thread in threads] == [
        (3, "new"), (5, "context"), (3, "gone"),
    ]  # fmt: skip
    elsewhere = replace(review, comments=(InlineComment("README.md", 1, "no"),))
    with pytest.raises(PlatformError) as caught:
        await own.dc.submit_review(own.repo, pull.number, elsewhere, "op-2")
    assert "does not change" in caught.value.message


async def test_a_thread_on_lines_that_are_gone_is_outdated(own: Own) -> None:
    pull = await opened(own)
    await own.remark(pull.number, "fix.txt", 2, "Why?")
    await own.push(BRANCH, "fix.txt", b"other\n")
    [thread] = await own.dc.list_threads(own.repo, pull.number)
    assert (thread.outdated, thread.line) == (True, None)


# --- builds -----------------------------------------------------------------------------------------------


async def test_a_build_has_an_address_and_a_key_that_fits(own: Own) -> None:
    sha = (await own.dc.get_branch(own.repo, "main")).sha
    name = "a very long name " * 20
    for _ in range(2):
        await own.dc.set_status(own.repo, sha, Status(name, CheckState.PENDING))
    [status] = own.hello.statuses_of(sha)
    assert len(status.name) == 64
    assert status.url == f"{own.server.url}/projects/octo/repos/hello/commits/{sha}"
    assert own.changes() == 1


async def test_reports_count_as_checks_where_they_say_pass_or_fail(own: Own) -> None:
    sha = (await own.dc.get_branch(own.repo, "main")).sha
    await own.report(sha, "lint", CheckState.SUCCESS)
    own.server_settings.reports = [
        {"key": "a", "title": "lint", "result": "FAIL", "reporter": "Sonar", "link": "https://x.test/a"},
        {"key": "b", "result": "PASS"},
        {"key": "c", "title": "Only informs"},
    ]
    summary = await own.dc.get_checks(own.repo, sha)
    assert summary.state is CheckState.FAILURE
    assert {check.name: check.state for check in summary.checks} == {
        "lint": CheckState.SUCCESS,
        "lint (report)": CheckState.FAILURE,
        "b": CheckState.SUCCESS,
    }
    own.server_settings.reports = None
    assert (await own.dc.get_checks(own.repo, sha)).state is CheckState.SUCCESS


# --- recorded answers -------------------------------------------------------------------------------------

_FOLDER = specs_folder() / "recorded" / "stash"
needs_answers = pytest.mark.skipif(not _FOLDER.is_dir(), reason=f"no recorded answers in {_FOLDER}")


def recorded(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_bytes())


@needs_answers
def test_recorded_answers_are_read() -> None:
    [pull] = [PullAnswer.model_validate(value) for value in recorded("prs")["values"]]
    shown = pull.pull_request()
    assert (shown.number, shown.title, shown.state, shown.head, shown.base) == (
        "1", "Updated Files", "open", "feature/x", "master",
    )  # fmt: skip
    assert shown.created_at == datetime(2018, 7, 5, 5, 1, 10, 981000, UTC)
    assert (shown.author, pull.version) == ("jcitizen", 0)
    repos = [RepositoryAnswer.model_validate(value) for value in recorded("repos")["values"]]
    assert repos[0].links.clone_url(ssh=False) == "http://jcitizen@example.com:7990/scm/prj/my-repo.git"
    assert repos[0].project.key == "PRJ"
    [branch] = [BranchAnswer.model_validate(value) for value in recorded("branches")["values"]]
    assert (branch.id, branch.latest_commit[:7]) == ("refs/heads/master", "11ce869")
    assert CommitAnswer.model_validate(recorded("commits")["values"][0]).id.startswith("131cb13")
    comment = CommentAnswer.model_validate(recorded("pr_comment_iso_dates"))
    assert comment.created_date == datetime(2018, 7, 5, 5, 58, 45, tzinfo=UTC)
    assert User.model_validate(recorded("user")).slug == "jcitizen"
    [file] = Diff.model_validate(recorded("pr_file_diff")).diffs
    assert [segment.type for segment in (file.hunks or [])[0].segments] == ["CONTEXT", "ADDED"]
    response = Response(404, {}, json.dumps(recorded("error")).encode())
    assert reason(response) == "Project dev does not exist. (NoSuchProjectException)"
