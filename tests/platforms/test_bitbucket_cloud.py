"""What is Bitbucket Cloud's own: tokens, trust, texts, forms, merges, pipelines that report themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    StaleHead,
    Unsupported,
)
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    CiTrigger,
    FileChange,
    Identity,
    InlineComment,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
)
from tamma.platforms.bitbucket_cloud.platform import BitbucketCloud
from tamma.platforms.bitbucket_cloud.talk import BODY_LIMIT
from tamma.platforms.interface import CAPABILITIES, PlatformSettings
from tests.platforms.bitbucket_cloud_harness import BitbucketCloudHarness
from tests.platforms.conftest import Servers, alone
from tests.platforms.registry import ENTRIES
from tests.platforms.steps import BRANCH, base_sha, branch_of_others, open_pr, write
from tests.support.forge.faces.bitbucket_cloud.common import (
    ACCESS_TOKEN,
    NO_ACCOUNT_SCOPE,
    PIPELINES,
    PLAIN_FILES,
    SLOW,
    uuid_of,
)
from tests.support.forge.faces.bitbucket_cloud.pulls import TASK_FAILED

ENTRY = next(entry for entry in ENTRIES if entry.name == "bitbucket")


@pytest.fixture
async def cloud(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[BitbucketCloudHarness]:
    async with alone(
        "bitbucket", forge_servers, tmp_path, BitbucketCloudHarness, shared_numbers=False
    ) as made:
        yield made


# --- the account ----------------------------------------------------------------------------------------


async def test_what_it_can_is_all_but_what_bitbucket_has_not(cloud: BitbucketCloudHarness) -> None:
    assert await cloud.platform.capabilities() == CAPABILITIES - set(ENTRY.lacks)
    assert await cloud.platform.server_version() == ""
    assert (await cloud.platform.check_credentials()).scopes == (
        "repository:write", "pullrequest:write", "pipeline:write",
    )  # fmt: skip
    limit = await cloud.platform.rate_limit()
    assert (limit.limit, limit.remaining) == (1000, None)


async def test_an_api_token_goes_with_its_address_and_an_access_token_alone(
    cloud: BitbucketCloudHarness,
) -> None:
    plain = cloud.platform.settings
    for settings, name in (
        (plain, "x-bitbucket-api-token-auth"),
        (replace(plain, username=""), "x-token-auth"),
        (replace(plain, username="passed-over@example.test", auth="oauth"), "x-token-auth"),
    ):
        platform = BitbucketCloud(settings)
        assert (await platform.get_repository(cloud.repo)).private
        credentials = await platform.git_credentials(cloud.repo)
        assert (credentials.username, credentials.token) == (name, cloud.server.token)
        await platform.close()
    wrong = BitbucketCloud(replace(cloud.platform.settings, username="somebody@example.test"))
    with pytest.raises(BadCredentials) as caught:
        await wrong.get_repository(cloud.repo)
    assert "e-mail" in (caught.value.hint or "")
    await wrong.close()


async def test_the_address_to_clone_has_no_name_in_it(cloud: BitbucketCloudHarness) -> None:
    assert (await cloud.platform.get_repository(cloud.repo)).clone_url == "https://127.0.0.1/octo/hello.git"
    plain = cloud.platform.settings
    for settings, address in (
        (replace(plain, git_over="ssh"), "git@127.0.0.1:octo/hello.git"),
        (replace(plain, clone_url="/srv/{owner}/{name}.git"), "/srv/octo/hello.git"),
    ):
        platform = BitbucketCloud(settings)
        assert (await platform.get_repository(cloud.repo)).clone_url == address
        await platform.close()


async def test_an_access_token_is_nobody_and_finds_its_own(cloud: BitbucketCloudHarness) -> None:
    target = Target("pull_request", (await open_pr(cloud)).number)
    cloud.hello.forbidden.add(ACCESS_TOKEN)
    nobody = BitbucketCloud(replace(cloud.platform.settings, username=""))
    assert await nobody.check_credentials() == await nobody.check_credentials() == Identity("")
    await cloud.comment(target, "gotcha\n\n_tamma:op=op-1_", "octo")
    first = await nobody.ensure_comment(cloud.repo, target, "one", "op-1")
    again = await nobody.ensure_comment(cloud.repo, target, "two", "op-1")
    assert first.id == again.id
    listed = await nobody.list_comments(cloud.repo, target)
    await nobody.close()
    assert [(each.body.partition("\n")[0], each.trusted) for each in listed] == [
        ("gotcha", True),
        ("two", True),
    ]
    assert listed[1].author == "tamma-bot"


async def test_an_account_that_may_not_ask_who_it_is_writes_nothing(cloud: BitbucketCloudHarness) -> None:
    """It would not find what it wrote, and write it again and again."""
    target = Target("pull_request", (await open_pr(cloud)).number)
    cloud.hello.forbidden.add(NO_ACCOUNT_SCOPE)
    before = cloud.changes()
    other = cloud.again()
    for call in (
        other.check_credentials(),
        other.ensure_comment(cloud.repo, target, "hello\n\n_tamma:op=op-1_", "op-1"),
    ):
        with pytest.raises(Forbidden, match="account"):
            await call
    taken_for_nobody = BitbucketCloud(replace(cloud.platform.settings, username=""))
    with pytest.raises(PlatformError, match="not be found again"):
        await taken_for_nobody.ensure_comment(cloud.repo, target, "hello", "op-1")
    await taken_for_nobody.close()
    assert cloud.changes() == before + 1


@pytest.mark.parametrize("address", ["https://bitbucket.org", "https://api.bitbucket.org/", None])
def test_the_websites_address_stands_for_the_apis(address: str | None) -> None:
    platform = BitbucketCloud(PlatformSettings("bb", "bitbucket", address))
    assert platform._url == "https://api.bitbucket.org/2.0"  # pyright: ignore[reportPrivateUsage]


async def test_a_missing_scope_is_named(cloud: BitbucketCloudHarness) -> None:
    cloud.hello.forbidden.add(PIPELINES)
    with pytest.raises(Forbidden, match="needs pipeline; the token has repository"):
        await cloud.platform.list_runs(cloud.repo)


# --- what is said -----------------------------------------------------------------------------------------


async def test_issues_are_elsewhere(cloud: BitbucketCloudHarness) -> None:
    for call in (
        cloud.platform.get_issue(cloud.repo, "1"),
        cloud.platform.list_comments(cloud.repo, Target("issue", "1")),
        cloud.platform.ensure_comment(cloud.repo, Target("issue", "1"), "b", "op"),
    ):
        with pytest.raises(Unsupported) as caught:
            await call
        assert "issues" in (caught.value.hint or "")
    labelled = PullRequestSpec(BRANCH, "main", "t", "b", labels=("x",))
    with pytest.raises(Unsupported):
        await cloud.platform.ensure_pr(cloud.repo, labelled, "op")
    assert cloud.changes() == 0


async def test_only_those_who_may_write_are_trusted(cloud: BitbucketCloudHarness) -> None:
    target = Target("pull_request", (await open_pr(cloud)).number)
    for author in ("octo", "reader", "stranger", "writer", "octo"):
        await cloud.comment(target, f"I am {author}", author)
    listed = await cloud.platform.list_comments(cloud.repo, target)
    assert [each.trusted for each in listed] == [True, False, False, True, True]
    asked = [request for request in cloud.server.requests if "/permissions/" in request]
    assert len(asked) == 4, "each author once"


async def test_who_is_no_administrator_trusts_whom_the_configuration_names(
    cloud: BitbucketCloudHarness,
) -> None:
    cloud.hello.members[cloud.world.bot] = "write"
    target = Target("pull_request", (await open_pr(cloud)).number)
    for author in ("octo", "writer"):
        await cloud.comment(target, f"I am {author}", author)
    assert not any(each.trusted for each in await cloud.platform.list_comments(cloud.repo, target))
    octo = uuid_of(cloud.world.account("octo").id)
    named = BitbucketCloud(replace(cloud.platform.settings, options={"trustedAuthors": [octo, "writer"]}))
    listed = await named.list_comments(cloud.repo, target)
    assert [each.trusted for each in listed] == [True, False], "a nickname is nobody's own"
    await named.close()


async def test_a_copied_mark_is_not_ours(cloud: BitbucketCloudHarness) -> None:
    number = (await open_pr(cloud)).number
    target = Target("pull_request", number)
    await cloud.comment(target, "gotcha\n\n_tamma:op=op-1_", "stranger")
    await cloud.comment(target, "fine by me\n\n_tamma:op=op-r#approve_", "stranger")
    ours = await cloud.platform.ensure_comment(cloud.repo, target, "ours", "op-1")
    listed = await cloud.platform.list_comments(cloud.repo, target)
    assert [each.author for each in listed] == ["stranger", "stranger", "tamma-bot"]
    assert listed[2].id == ours.id
    assert await cloud.platform.list_reviews(cloud.repo, number) == ()


TEXTS = (
    "one line",
    "CRLF\r\nand LF\nand\r\n\r\nmore",
    "<!-- a comment --> <b>html</b> &amp; entity",
    "```\n_tamma:op=not-a-mark_\n```\nafter",
    "emoji 👩‍👩‍👧, RTL \u05d0\u05d1, {{x}} ${y} \\n %20",
)


async def test_texts_come_back_as_they_were_and_the_mark_is_a_footer(cloud: BitbucketCloudHarness) -> None:
    """Bitbucket shows HTML comments as text."""
    number = (await open_pr(cloud)).number
    target = Target("pull_request", number)
    for index, text in enumerate(TEXTS):
        await cloud.platform.ensure_comment(cloud.repo, target, text, f"op_{index}")
    before = cloud.changes()
    for index, text in enumerate(TEXTS):
        await cloud.platform.ensure_comment(cloud.repo, target, text, f"op_{index}")
    assert cloud.changes() == before
    listed = await cloud.platform.list_comments(cloud.repo, target)
    assert [each.body for each in listed] == list(TEXTS)
    assert cloud.hello.pull(int(number)).comments[0].body == "one line\n\n_tamma:op=op_0_"


async def test_long_and_many_comments(cloud: BitbucketCloudHarness) -> None:
    target = Target("pull_request", (await open_pr(cloud)).number)
    for index in range(120):
        await cloud.comment(target, f"comment {index}")
    for _ in range(2):
        await cloud.platform.ensure_comment(cloud.repo, target, "x" * 300_000, "op-1", "https://e.test/all")
    listed = await cloud.platform.list_comments(cloud.repo, target)
    assert [each.body for each in listed[:120]] == [f"comment {index}" for index in range(120)]
    assert len(listed) == 121
    assert BODY_LIMIT - 1000 < len(listed[120].body) < BODY_LIMIT
    assert "https://e.test/all" in listed[120].body[-200:]


async def test_answers_belong_to_what_they_answer(cloud: BitbucketCloudHarness) -> None:
    number = (await open_pr(cloud, content=b"one\ntwo\n")).number
    await cloud.remark(number, "fix.txt", 2, "Why?")
    await cloud.comment(Target("pull_request", number), "In general:")
    pull = cloud.hello.pull(int(number))
    cloud.hello.comment(pull, "Indeed.", "octo").extra["parent"] = pull.comments[0].id
    [thread] = await cloud.platform.list_threads(cloud.repo, number)
    await cloud.platform.reply(cloud.repo, number, thread.id, "Because.", "op-a")
    [thread] = await cloud.platform.list_threads(cloud.repo, number)
    assert [each.body for each in thread.comments] == ["Why?", "Because."]
    said = await cloud.platform.list_comments(cloud.repo, Target("pull_request", number))
    assert [each.body for each in said] == ["In general:", "Indeed."]


# --- reviews ----------------------------------------------------------------------------------------------


async def _theirs(cloud: BitbucketCloudHarness) -> tuple[str, str]:
    head = await branch_of_others(cloud, content=b"one\ntwo\nthree\n")
    return await cloud.open_pr(BRANCH, "main"), head


async def test_a_verdict_without_words_leaves_no_comment(cloud: BitbucketCloudHarness) -> None:
    number, head = await _theirs(cloud)
    review = ReviewSpec(ReviewEvent.APPROVE, "", head, (InlineComment("fix.txt", 1, "nice"),))
    await cloud.platform.submit_review(cloud.repo, number, review, "op-r")
    done = await cloud.platform.submit_review(cloud.repo, number, review, "op-r")
    assert (done.event, done.author) == (ReviewEvent.APPROVE, "tamma-bot")
    [listed] = await cloud.platform.list_reviews(cloud.repo, number)
    assert (listed.event, listed.body, listed.trusted) == (ReviewEvent.APPROVE, "", True)
    assert cloud.effects()["remark"] == cloud.effects()["review"] == 1
    assert "comment" not in cloud.effects()


async def test_a_verdict_of_an_earlier_operation_stays_as_it_was_said(cloud: BitbucketCloudHarness) -> None:
    """Done again, the first operation does not take the second one's verdict back."""
    number, head = await _theirs(cloud)
    for op_id, event in (("op-1", ReviewEvent.REQUEST_CHANGES), ("op-2", ReviewEvent.APPROVE)):
        await cloud.platform.submit_review(cloud.repo, number, ReviewSpec(event, op_id, head), op_id)
    first = ReviewSpec(ReviewEvent.REQUEST_CHANGES, "op-1", head)
    await cloud.platform.submit_review(cloud.repo, number, first, "op-1")
    assert cloud.hello.approvals(cloud.hello.pull(int(number))) == ["tamma-bot"]
    assert [each.event for each in await cloud.platform.list_reviews(cloud.repo, number)] == [
        ReviewEvent.REQUEST_CHANGES,
        ReviewEvent.APPROVE,
    ]
    assert await cloud.platform.list_comments(cloud.repo, Target("pull_request", number)) == ()


async def test_a_remark_may_be_on_the_old_side_and_on_several_lines(cloud: BitbucketCloudHarness) -> None:
    number, head = await _theirs(cloud)
    remarks = (
        InlineComment("fix.txt", 3, "both", start_line=2),
        InlineComment("fix.txt", 1, "was", side="old"),
    )
    review = ReviewSpec(ReviewEvent.COMMENT, "", head, remarks)
    await cloud.platform.submit_review(cloud.repo, number, review, "op-r")
    threads = cloud.hello.pull(int(number)).threads
    assert [(each.line, each.start_line, each.side) for each in threads] == [(3, 2, "new"), (1, None, "old")]
    assert [each.line for each in await cloud.platform.list_threads(cloud.repo, number)] == [3, 1]


# --- pull requests ----------------------------------------------------------------------------------------


async def test_an_edit_keeps_who_was_asked(cloud: BitbucketCloudHarness) -> None:
    number = (await open_pr(cloud)).number
    writer, octo = cloud.world.account("writer"), cloud.world.account("octo")
    names = (uuid_of(writer.id), f"557058:{octo.id}")
    await cloud.platform.request_reviewers(cloud.repo, number, names)
    await cloud.platform.update_pr(cloud.repo, number, title="New")
    await cloud.platform.set_draft(cloud.repo, number, True)
    assert cloud.hello.pull(int(number)).reviewers == ["writer", "octo"]
    for nobody in ("nobody-at-all", "{00000000-0000-4000-8000-000000009999}", "stranger"):
        with pytest.raises(NotFound):
            await cloud.platform.request_reviewers(cloud.repo, number, (nobody,))


async def test_default_reviewers_are_asked_where_that_is_wanted(cloud: BitbucketCloudHarness) -> None:
    await branch_of_others(cloud)
    wanted = BitbucketCloud(replace(cloud.platform.settings, options={"defaultReviewers": True}))
    spec = PullRequestSpec(BRANCH, "main", "t", "b")
    made = (await wanted.ensure_pr(cloud.repo, spec, "op")).pull_request
    await wanted.close()
    assert made.reviewers == ("writer",), "and never the author"


async def test_a_name_in_a_filter_is_quoted(cloud: BitbucketCloudHarness) -> None:
    odd = 'a"b"x="y'
    await branch_of_others(cloud, odd)
    spec = PullRequestSpec(odd, "main", "t", "b")
    first = await cloud.platform.ensure_pr(cloud.repo, spec, "op")
    again = await cloud.platform.ensure_pr(cloud.repo, spec, "op")
    assert (first.created, again.created) == (True, False)
    assert first.pull_request == again.pull_request


async def test_the_title_is_cut_where_bitbucket_would_refuse_it(cloud: BitbucketCloudHarness) -> None:
    number = (await open_pr(cloud)).number
    pull = await cloud.platform.update_pr(cloud.repo, number, title="t" * 1000)
    before = cloud.changes()
    assert await cloud.platform.update_pr(cloud.repo, number, title="t" * 1000) == pull
    assert (len(pull.title), cloud.changes()) == (255, before)


# --- merging ----------------------------------------------------------------------------------------------


async def test_a_method_that_the_branch_does_not_allow(cloud: BitbucketCloudHarness) -> None:
    pull = await open_pr(cloud)
    cloud.hello.pull(int(pull.number)).extra["strategies"] = ["squash", "fast_forward"]
    before = cloud.changes()
    refused = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert "only squash, fast_forward" in refused.reason
    assert cloud.changes() == before
    done = await cloud.platform.merge_pr(cloud.repo, pull.number, "squash", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


async def test_a_missing_approval_is_said(cloud: BitbucketCloudHarness) -> None:
    cloud.protect("main", approvals=1)
    pull = await open_pr(cloud)
    state = await cloud.platform.merge_readiness(cloud.repo, pull.number)
    assert (state.category, state.native) == (MergeCategory.RECOVERABLE, "mergeable=false")
    refused = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert (refused.outcome, "approval" in refused.reason) == (MergeOutcome.REFUSED, True)
    await cloud.review(pull.number, ReviewEvent.REQUEST_CHANGES, "")
    assert "changes" in (await cloud.platform.merge_readiness(cloud.repo, pull.number)).reason
    await cloud.review(pull.number, ReviewEvent.APPROVE, "")
    state = await cloud.platform.merge_readiness(cloud.repo, pull.number)
    assert state.category is MergeCategory.READY


async def test_it_is_never_left_to_the_platform(cloud: BitbucketCloudHarness) -> None:
    pull = await open_pr(cloud)
    with pytest.raises(Unsupported) as caught:
        await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert caught.value.hint


async def test_a_merge_that_takes_long_is_followed_by_whoever_asks(cloud: BitbucketCloudHarness) -> None:
    """The task's id is known to one process alone; another one asks again, and merges nothing twice."""
    pull = await open_pr(cloud)
    cloud.merge_later(8)
    first = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    other = await cloud.again().merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert first.outcome is other.outcome is MergeOutcome.PENDING
    assert any("/merge/task-status/" in request for request in cloud.server.requests)
    assert cloud.effects()["merge"] == 1


async def test_a_merge_that_fails_after_it_was_begun_says_why(cloud: BitbucketCloudHarness) -> None:
    pull = await open_pr(cloud)
    cloud.merge_later(50)
    begun = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    theirs = cloud.hello.pull(int(pull.number))
    theirs.merging, theirs.extra[TASK_FAILED] = None, "The merge took too long."
    failed = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert [begun.outcome, failed.outcome] == [MergeOutcome.PENDING, MergeOutcome.REFUSED]
    assert "took too long" in failed.reason
    del theirs.extra[TASK_FAILED]
    cloud.merge_later(0)
    done = await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED, "the failed task is not asked for ever"


async def test_a_push_before_the_merge_is_told_afterwards(cloud: BitbucketCloudHarness) -> None:
    """Bitbucket takes no commit to pin a merge to."""
    pull = await open_pr(cloud)
    racing = Racing(cloud.platform.settings, lambda: cloud.push(BRANCH, "late.txt", b"x"))
    with pytest.raises(Conflict, match="was merged at") as caught:
        await racing.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    await racing.close()
    assert "look at what was merged" in (caught.value.hint or "")


async def test_a_branch_that_is_ahead_of_its_pull_request_holds_the_merge_up(
    cloud: BitbucketCloudHarness,
) -> None:
    pull = await open_pr(cloud)
    moved = await cloud.push(BRANCH, "late.txt", b"x")
    cloud.hello.forbidden.add(SLOW)
    assert (await cloud.platform.get_pr(cloud.repo, pull.number)).head_sha == pull.head_sha != moved
    with pytest.raises(StaleHead):
        await cloud.platform.merge_pr(cloud.repo, pull.number, "merge", pull.head_sha)
    assert "merge" not in cloud.effects()


# --- commits and files --------------------------------------------------------------------------------


class Racing(BitbucketCloud):
    """Somebody pushes between its look and its write."""

    def __init__(self, settings: PlatformSettings, push: Callable[[], Awaitable[str]]) -> None:
        super().__init__(settings)
        self._push = push

    async def _merge(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str
    ) -> MergeResult:
        await self._push()
        return await super()._merge(repo, number, method, expected_head, message)

    async def _is_of(self, repo: RepoRef, sha: str, op_id: str) -> bool:
        found = await super()._is_of(repo, sha, op_id)
        await self._push()
        return found


async def test_a_push_before_the_commit_is_not_overwritten(cloud: BitbucketCloudHarness) -> None:
    base = await base_sha(cloud)
    await cloud.platform.ensure_branch(cloud.repo, BRANCH, base)
    racing = Racing(cloud.platform.settings, lambda: cloud.push(BRANCH, "late.txt", b"x"))
    with pytest.raises(StaleHead):
        await racing.commit_files(cloud.repo, BRANCH, (write("fix.txt"),), "Fix", base, "op-1")
    await racing.close()
    assert cloud.effects()["branch"] == sum(cloud.effects().values())


async def test_a_mode_that_was_passed_over_is_no_success(cloud: BitbucketCloudHarness) -> None:
    base = await base_sha(cloud)
    await cloud.platform.ensure_branch(cloud.repo, BRANCH, base)
    changes = (write("run.sh", b"#!/bin/sh\n", "100755"), write("a link", b"run.sh", "120000"))
    done = await cloud.platform.commit_files(cloud.repo, BRANCH, changes, "Fix", base, "op-1")
    modes = [cloud.hello.file(name, BRANCH).filemode for name in ("run.sh", "a link")]
    assert modes == [0o100755, 0o120000]
    cloud.hello.forbidden.add(PLAIN_FILES)
    more = (write("more.sh", b"#!/bin/sh\n", "100755"),)
    for _ in range(2):
        with pytest.raises(PlatformError, match="no executable") as caught:
            await cloud.platform.commit_files(cloud.repo, BRANCH, more, "Fix", done.sha, "op-2")
        assert "push" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "change", [write('a"b'), write("a\nb"), write("sub", b"", "160000"), FileChange("\t", ChangeKind.DELETE)]
)
async def test_what_cannot_be_said_is_not_sent(cloud: BitbucketCloudHarness, change: FileChange) -> None:
    base = await base_sha(cloud)
    await cloud.platform.ensure_branch(cloud.repo, BRANCH, base)
    with pytest.raises(PlatformError, match="cannot make this commit") as caught:
        await cloud.platform.commit_files(cloud.repo, BRANCH, (change,), "Fix", base, "op-1")
    assert "push" in (caught.value.hint or "")
    assert await base_sha(cloud) == base


async def test_files_with_the_names_of_fields_are_files(cloud: BitbucketCloudHarness) -> None:
    base = await base_sha(cloud)
    await cloud.platform.ensure_branch(cloud.repo, BRANCH, base)
    changes = tuple(
        write(name, name.encode()) for name in ("message", "branch", "parents", "files", "author")
    )
    await cloud.platform.commit_files(cloud.repo, BRANCH, changes, "Fix", base, "op-1")
    for change in changes:
        assert await cloud.platform.get_file(cloud.repo, change.path, BRANCH) == change.content


async def test_files_at_a_tag_and_one_that_looks_like_a_folder(cloud: BitbucketCloudHarness) -> None:
    page = b'{"values": [], "pagelen": 10}'
    sha = await cloud.push("main", "page.json", page)
    cloud.hello.git.references.create("refs/tags/v1/rc", sha)
    assert await cloud.platform.get_file(cloud.repo, "page.json", "v1/rc") == page


# --- checks and pipelines -----------------------------------------------------------------------------


async def _pipeline(cloud: BitbucketCloudHarness, state: CheckState) -> None:
    """One that reports itself as a status too, as all do."""
    await cloud.start_run(BRANCH)
    await cloud.finish_run(state, b"why\n")
    number = cloud.newest_run().number
    await cloud.report(cloud.newest_run().sha, f"Pipeline #{number} for {BRANCH}", state)


async def test_of_pipelines_the_newest_counts(cloud: BitbucketCloudHarness) -> None:
    sha = await branch_of_others(cloud)
    await cloud.report(sha, "other", CheckState.SUCCESS)
    await _pipeline(cloud, CheckState.FAILURE)
    summary = await cloud.platform.get_checks(cloud.repo, sha)
    assert summary.state is CheckState.FAILURE
    assert [check.name for check in summary.checks] == ["other", f"Pipeline default for {BRANCH}"]
    log = await cloud.platform.get_job_log(cloud.repo, summary.checks[1].job_id or "")
    assert log.text == "why\n"
    await _pipeline(cloud, CheckState.SUCCESS)
    assert (await cloud.platform.get_checks(cloud.repo, sha)).state is CheckState.SUCCESS


async def test_without_the_scope_for_pipelines_their_own_statuses_count(cloud: BitbucketCloudHarness) -> None:
    cloud.hello.forbidden.add(PIPELINES)
    sha = await branch_of_others(cloud)
    for state in (CheckState.FAILURE, CheckState.SUCCESS):
        await _pipeline(cloud, state)
        summary = await cloud.platform.get_checks(cloud.repo, sha)
        assert (summary.state, len(summary.checks)) == (state, 1)


async def test_a_status_has_a_key_and_an_address(cloud: BitbucketCloudHarness) -> None:
    sha = await base_sha(cloud)
    names = ["n" * 300, "n" * 299 + "m"]
    for name in names:
        for _ in range(2):
            status = Status(name, CheckState.PENDING, url="https://e.test/{commit}")
            await cloud.platform.set_status(cloud.repo, sha, status)
    await cloud.platform.set_status(cloud.repo, sha, Status("short", CheckState.SUCCESS))
    assert cloud.effects()["status"] >= 2
    urls = [status.url for status in cloud.hello.statuses_of(sha)]
    assert urls[0] == "https://e.test/%7Bcommit%7D"
    assert urls[-1].endswith(f"/octo/hello/commits/{sha}")


async def test_a_log_that_is_being_written_gives_its_end(cloud: BitbucketCloudHarness) -> None:
    await branch_of_others(cloud)
    await cloud.start_run(BRANCH)
    cloud.newest_run().jobs[0].log = b"0123456789" * 10
    run = (await cloud.platform.list_runs(cloud.repo)).items[0]
    [job] = await cloud.platform.list_jobs(cloud.repo, run.id)
    tail = await cloud.platform.get_job_log(cloud.repo, job.id, 15)
    assert (tail.text, tail.truncated) == ("567890123456789", True)
    whole = await cloud.platform.get_job_log(cloud.repo, job.id)
    assert (len(whole.text), whole.truncated) == (100, False)


async def test_a_pipeline_runs_again_as_it_ran(cloud: BitbucketCloudHarness) -> None:
    sha = await branch_of_others(cloud)
    trigger = CiTrigger(BRANCH, cloud.workflow, (("mode", "fast"),), sha)
    run = await cloud.platform.trigger_ci(cloud.repo, trigger, "op-ci")
    assert (run.name, run.event) == (cloud.workflow, "MANUAL")
    await cloud.finish_run(CheckState.FAILURE)
    again = await cloud.platform.rerun(cloud.repo, run.id)
    assert again.id != run.id
    assert cloud.newest_run().inputs == {"mode": "fast", "TAMMA_OP": "op-ci"}
    assert cloud.newest_run().extra == {"custom": cloud.workflow}
    assert (await cloud.platform.rerun(cloud.repo, run.id)).id == again.id
    assert cloud.effects()["run"] == 2


async def test_secured_variables_cannot_be_given_again(cloud: BitbucketCloudHarness) -> None:
    await branch_of_others(cloud)
    trigger = CiTrigger(BRANCH, cloud.workflow, (("SECRET", "canary"),))
    run = await cloud.platform.trigger_ci(cloud.repo, trigger, "op-ci")
    await cloud.finish_run(CheckState.FAILURE)
    with pytest.raises(PlatformError, match="secured variables") as caught:
        await cloud.platform.rerun(cloud.repo, run.id)
    assert "canary" not in str(caught.value)
    assert caught.value.hint


async def test_runs_of_many_pages_are_listed_once(cloud: BitbucketCloudHarness) -> None:
    """Lists of pipelines do not name their next page."""
    await branch_of_others(cloud)
    for _ in range(120):
        await cloud.start_run(BRANCH)
    first = await cloud.platform.list_runs(cloud.repo, branch=BRANCH)
    assert first.next_cursor is not None
    second = await cloud.platform.list_runs(cloud.repo, branch=BRANCH, cursor=first.next_cursor)
    assert second.next_cursor is None
    ids = {run.id for page in (first, second) for run in page.items}
    assert len(ids) == 120


async def test_commits_of_a_list_are_looked_up_once(cloud: BitbucketCloudHarness) -> None:
    """Pull requests name the beginnings of their commits alone."""
    for name in ("a", "b", "c"):
        await open_pr(cloud, name, f"{name}.txt")
    other = cloud.again()
    before = len(cloud.server.requests)
    found = (await other.list_prs(cloud.repo, PullRequestFilter())).items
    assert [pull.head_sha for pull in found] == [cloud.hello.branch(name) for name in ("c", "b", "a")]
    assert (await other.list_prs(cloud.repo, PullRequestFilter())).items == found
    asked = cloud.server.requests[before:]
    assert len([request for request in asked if "/commit/" in request]) == 3
