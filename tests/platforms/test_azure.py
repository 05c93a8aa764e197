"""What is Azure DevOps' own, against the server that shows it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    Transient,
    Unsupported,
)
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    CiTrigger,
    FileChange,
    InlineComment,
    IssueFilter,
    MergeCategory,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Target,
)
from tamma.platforms.azure.platform import AzureDevOps
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.azure.runs import BuildAnswer
from tamma.platforms.interface import PlatformSettings
from tests.platforms.azure_harness import AzureHarness
from tests.platforms.conftest import Servers, alone
from tests.support.forge.calls import ApiError, Call, Handler, Reply
from tests.support.forge.faces.azure.common import ORGANIZATION, ROUTES
from tests.support.forge.things import Workflow

BRANCH = "tamma/fix"
READ_ITEM = "GET /{organization}/{project}/_apis/wit/workitems/{id}"


@pytest.fixture
async def azure(forge_servers: Servers, tmp_path: Path) -> AsyncIterator[AzureHarness]:
    async with alone("azure-devops", forge_servers, tmp_path, AzureHarness, shared_numbers=False) as made:
        yield made


async def opened(azure: AzureHarness, content: bytes = b"one\ntwo\n", **more: str) -> tuple[str, str]:
    """A pull request of ours: its number and head."""
    head = await azure.push(BRANCH, "fix.txt", content)
    spec = PullRequestSpec(BRANCH, "main", "Fix", more.get("body", "Because"))
    return (await azure.platform.ensure_pr(azure.repo, spec, "op-pr")).pull_request.number, head


@contextmanager
def routed(name: str, handler: Handler) -> Generator[None]:
    """Answer that operation in another way."""
    before = ROUTES[name]
    ROUTES[name] = handler
    try:
        yield
    finally:
        ROUTES[name] = before


def adapter(azure: AzureHarness, **changes: object) -> AzureDevOps:
    settings = replace(azure.platform.settings, **changes)  # pyright: ignore[reportArgumentType]
    return AzureDevOps(settings)


# --- accounts and addresses -------------------------------------------------------------------------------


async def test_a_token_is_a_password_without_a_user_and_oauth_a_bearer(azure: AzureHarness) -> None:
    oauth = adapter(azure, auth="oauth")
    assert (await oauth.check_credentials()).login == azure.login("tamma-bot")
    await oauth.close()
    assert (await azure.platform.check_credentials()).login == azure.login("tamma-bot")
    for logged in azure.server.log:
        assert "x-tfs-fedauthredirect" in logged.headers


async def test_an_organization_is_named_by_the_repository_too(azure: AzureHarness) -> None:
    bare = adapter(azure, base_url=azure.server.url)
    ref = RepoRef("azure-devops", f"{ORGANIZATION}/octo", "hello")
    found = await bare.get_repository(ref)
    assert found.ref == ref
    assert found.clone_url == f"{azure.server.url}/{ORGANIZATION}/octo/_git/hello"
    assert (await bare.get_branch(ref, "main")).sha
    again = await azure.platform.get_repository(ref)  # named twice: by the base address too
    assert again.ref == ref
    await bare.close()


async def test_services_have_to_be_told_an_organization() -> None:
    services = AzureDevOps(PlatformSettings("azure", "azure-devops", token="canary"))
    with pytest.raises(ConfigError) as caught:
        await services.check_credentials()
    assert caught.value.hint
    with pytest.raises(ConfigError):
        await services.get_repository(RepoRef("azure", "project", "repo"))
    await services.close()


async def test_ssh_addresses_are_handed_out_where_git_goes_over_ssh(azure: AzureHarness) -> None:
    over_ssh = adapter(azure, git_over="ssh", ssh_key="/k")
    found = await over_ssh.get_repository(azure.repo)
    assert found.clone_url == "git@ssh.dev.azure.com:v3/acme/octo/hello"
    assert (await over_ssh.git_credentials(azure.repo)).ssh_key == "/k"
    await over_ssh.close()


async def test_a_disabled_repository_says_so(azure: AzureHarness) -> None:
    azure.archive()
    assert (await azure.platform.get_repository(azure.repo)).archived
    with pytest.raises(Forbidden) as caught:
        await azure.platform.get_branch(azure.repo, "main")
    assert "enable" in (caught.value.hint or "")


# --- work items -------------------------------------------------------------------------------------------


async def test_a_work_item_is_closed_by_the_way_its_process_allows(azure: AzureHarness) -> None:
    issue = azure.hello.add_issue("A bug", "It fails")
    issue.extra["type"] = "Bug"
    number = str(issue.number)
    await azure.platform.close_issue(azure.repo, number)
    assert issue.extra["state"] == "Closed"
    patched = [logged for logged in azure.server.log if logged.method == "PATCH"]
    assert [logged.body[1]["value"] for logged in patched] == ["Active", "Resolved", "Closed"]
    await azure.platform.reopen_issue(azure.repo, number)
    assert issue.extra["state"] == "Active"


async def test_a_state_without_a_way_out_is_told(azure: AzureHarness) -> None:
    issue = azure.hello.add_issue("A bug", "It fails")
    issue.extra |= {"type": "Bug", "state": "Removed"}
    azure.hello.close(issue)
    with pytest.raises(PlatformError) as caught:
        await azure.platform.reopen_issue(azure.repo, str(issue.number))
    assert "'Removed'" in caught.value.message
    assert caught.value.hint


async def test_a_change_by_somebody_else_in_between_is_tried_again(azure: AzureHarness) -> None:
    issue = azure.hello.add_issue("A bug", "It fails")
    read = ROUTES[READ_ITEM]

    def read_and_changed(call: Call) -> Reply:
        answer = read(call)
        azure.hello.edit(issue, title="Theirs")
        return answer if isinstance(answer, Reply) else Reply(*answer)

    with routed(READ_ITEM, read_and_changed), pytest.raises(Transient):
        await azure.platform.set_labels(azure.repo, Target("issue", "1"), ("bug",))
    assert issue.labels == []


async def test_html_and_the_fields_of_bugs_are_read_as_markdown(azure: AzureHarness) -> None:
    body = (
        "<div>Steps:</div><ol><li>open <b>it</b></li><li>see</li></ol><pre><code>x &lt; 1\n\ny</code></pre>"
    )
    issue = azure.hello.add_issue("A bug", body)
    issue.extra |= {"type": "Bug", "markdown": False}
    found = await azure.platform.get_issue(azure.repo, "1")
    assert found.body == "Steps:\n\n1. open **it**\n2. see\n\n```\nx < 1\n\ny\n```"
    assert found.url.endswith(f"/{ORGANIZATION}/octo/_workitems/edit/1")


async def test_a_server_has_comments_in_html_and_they_stay_ours(azure: AzureHarness) -> None:
    (azure.world.folder / "on-premises").touch()
    azure.hello.add_issue("A bug", "It fails")
    target = Target("issue", "1")
    body = "# Done\n\nSee `a<b>` and **this**:\n\n- one\n- two\n\n```\nx = 1\n\ny\n```"
    first = await azure.platform.ensure_comment(azure.repo, target, body, "op-c")
    changes = azure.changes()
    again = await azure.platform.ensure_comment(azure.repo, target, body, "op-c")
    assert (first.id, first.body) == (again.id, body)
    assert azure.changes() == changes
    [stored] = azure.hello.issue(1).comments
    assert "<h1>Done</h1>" in stored.body
    assert "<code>a&lt;b&gt;</code>" in stored.body
    assert (await azure.platform.ensure_comment(azure.repo, target, "Other", "op-c")).body == "Other"


async def test_a_work_item_has_one_assignee_who_is_somebody(azure: AzureHarness) -> None:
    azure.hello.add_issue("A bug", "It fails")
    octo, writer = azure.login("octo"), azure.login("writer")
    await azure.platform.set_assignees(azure.repo, "1", (octo,))
    await azure.platform.set_assignees(azure.repo, "1", (writer,))
    assert (await azure.platform.get_issue(azure.repo, "1")).assignees == (writer,)
    with pytest.raises(Unsupported) as caught:
        await azure.platform.set_assignees(azure.repo, "1", (octo, writer))
    assert "one" in (caught.value.hint or "")
    with pytest.raises(NotFound):
        await azure.platform.set_assignees(azure.repo, "1", ("nobody",))


async def test_a_tag_that_only_contains_the_label_is_no_match(azure: AzureHarness) -> None:
    azure.hello.add_issue("One", labels=("bug",))
    azure.hello.add_issue("Two", labels=("bugfix",))
    page = await azure.platform.list_issues(azure.repo, IssueFilter(labels=("bug",)))
    assert [issue.title for issue in page.items] == ["One"]
    with pytest.raises(PlatformError):
        await azure.platform.set_labels(azure.repo, Target("issue", "1"), ("a;b",))


async def test_boards_are_a_tracker_beside_another_forge(azure: AzureHarness) -> None:
    elsewhere = RepoRef("azure-devops", "octo", "a-repository-of-github")
    azure.hello.add_issue("A bug", "It fails")
    await azure.comment(Target("issue", "1"), "mine", "writer")
    await azure.comment(Target("issue", "1"), "theirs", "reader")
    found = await azure.platform.get_issue(elsewhere, "1")
    assert [comment.trusted for comment in found.comments] == [True, False]


@pytest.mark.parametrize("teams", [False, True])
async def test_without_the_scope_for_permissions_only_teams_can_be_trusted(
    azure: AzureHarness, teams: bool
) -> None:
    azure.hello.add_issue("A bug", "It fails")
    for author in ("writer", "reader"):
        await azure.comment(Target("issue", "1"), "hm", author)

    def refused(call: Call) -> Reply:
        raise ApiError(403, "The token lacks the scope vso.security_manage.", "AccessDeniedException")

    made = adapter(azure, options={"trustTeams": teams})
    with routed("GET /{organization}/_apis/accesscontrollists/{namespace}", refused):
        comments = await made.list_comments(azure.repo, Target("issue", "1"))
    await made.close()
    assert [comment.trusted for comment in comments] == [teams, False]


# --- commits and differences --------------------------------------------------------------------------------


async def test_modes_that_a_push_cannot_set_are_refused(azure: AzureHarness) -> None:
    sha = (await azure.platform.get_branch(azure.repo, "main")).sha
    for mode, content in (("100755", b"#!/bin/sh\n"), ("120000", b"README.md")):
        change = FileChange("run.sh", ChangeKind.WRITE, content, mode)
        with pytest.raises(Unsupported) as caught:
            await azure.platform.commit_files(azure.repo, "main", (change,), "m", sha, "op")
        assert "push" in (caught.value.hint or "")
    azure.hello.commit("main", [FileChange("run.sh", ChangeKind.WRITE, b"1\n", "100755")], "theirs")
    sha = (await azure.platform.get_branch(azure.repo, "main")).sha
    kept = FileChange("run.sh", ChangeKind.WRITE, b"2\n", "100755")
    await azure.platform.commit_files(azure.repo, "main", (kept,), "m", sha, "op-2")
    assert int(azure.hello.file("run.sh", "main").filemode) == 0o100755  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_branch_is_not_taken_for_one_that_begins_alike(azure: AzureHarness) -> None:
    sha = (await azure.platform.get_branch(azure.repo, "main")).sha
    for name in ("fix-1", "fix-2", "fix-3"):
        azure.hello.create_branch(name, sha)
    with pytest.raises(NotFound):
        await azure.platform.get_branch(azure.repo, "fix")
    assert (await azure.platform.get_branch(azure.repo, "fix-3")).sha == sha


async def test_a_difference_is_what_git_writes(azure: AzureHarness) -> None:
    hello = azure.hello
    hello.push("main", "old/renamed.txt", b"".join(b"line %d\n" % n for n in range(20)))
    hello.push("main", "gone.txt", b"bye\n")
    hello.push("main", "mode.sh", b"#!/bin/sh\n")
    head = hello.push(BRANCH, "fix.txt", b"one\ntwo")
    changes = [
        FileChange("old/renamed.txt", ChangeKind.DELETE),
        FileChange("new/renamed.txt", ChangeKind.WRITE, b"".join(b"line %d\n" % n for n in range(21))),
        FileChange("gone.txt", ChangeKind.DELETE),
        FileChange("mode.sh", ChangeKind.WRITE, b"#!/bin/sh\n", "100755"),
        FileChange("link", ChangeKind.WRITE, b"/etc/passwd", "120000"),
        FileChange("all.bin", ChangeKind.WRITE, bytes(range(256))),
        FileChange("src/app.py", ChangeKind.WRITE, b"print(2)\n"),
        FileChange("täst.txt", ChangeKind.WRITE, "grüße\n".encode()),
    ]
    hello.commit(BRANCH, changes, "much", parent=head)
    hello.push("main", "elsewhere.txt", b"not in the change\n")
    number = await azure.open_pr(BRANCH, "main")
    found = await azure.platform.get_diff(azure.repo, number)
    expected = hello.diff(hello.pull(int(number)))
    assert _pieces(found) == _pieces(expected)
    await azure.merge_pr(number)
    assert await azure.platform.get_diff(azure.repo, number) == found


def _pieces(diff: str) -> list[str]:
    """By file, in any order, without how alike git and libgit2 think two files are."""
    return sorted(re.sub(r"similarity index \d+%", "", diff).split("diff --git "))


# --- pull requests ------------------------------------------------------------------------------------------


async def test_descriptions_that_lists_cut_off_are_whole(azure: AzureHarness) -> None:
    body = "".join(f"{number}: grüße\n" for number in range(100)).strip()
    number, _ = await opened(azure, body=body)
    [listed] = (await azure.platform.list_prs(azure.repo, PullRequestFilter())).items
    assert (listed.number, listed.body) == (number, body)
    found = await azure.platform.find_pr(azure.repo, BRANCH, "main")
    assert found is not None
    assert found.body == body


async def test_what_waits_for_people_is_no_check(azure: AzureHarness) -> None:
    azure.protect("main", checks=("ci/build",), approvals=1)
    number, head = await opened(azure)
    summary = await azure.platform.get_checks(azure.repo, head)
    assert [(check.name, check.state) for check in summary.checks] == [("ci/build", CheckState.PENDING)]
    await azure.report(head, "ci/build", CheckState.SUCCESS)
    assert (await azure.platform.get_checks(azure.repo, head)).state is CheckState.SUCCESS
    state = await azure.platform.merge_readiness(azure.repo, number)
    assert state.category is MergeCategory.RECOVERABLE
    assert "Minimum number of reviewers" in state.reason
    await azure.review(number, ReviewEvent.APPROVE, "")
    assert (await azure.platform.merge_readiness(azure.repo, number)).category is MergeCategory.READY


async def test_remarks_are_tied_to_the_version_that_was_read(azure: AzureHarness) -> None:
    head = await azure.push(BRANCH, "fix.txt", b"one\ntwo\nthree\n")
    number = await azure.open_pr(BRANCH, "main")
    remark = InlineComment("fix.txt", 3, "Hm", start_line=2)
    review = ReviewSpec(ReviewEvent.REQUEST_CHANGES, "", head, (remark,))
    made = await azure.platform.submit_review(azure.repo, number, review, "op-r")
    assert made.body == "Changes requested."
    sent = [logged.body for logged in azure.server.log if logged.path.endswith("/threads") and logged.body]
    assert sent[0]["threadContext"]["rightFileStart"] == {"line": 2, "offset": 1}
    assert sent[0]["threadContext"]["rightFileEnd"] == {"line": 3, "offset": 1}
    assert sent[0]["pullRequestThreadContext"]["changeTrackingId"] == 1
    assert sent[0]["status"] == "active"
    assert "status" not in sent[1]
    [vote] = [logged.body for logged in azure.server.log if "/reviewers/" in logged.path]
    assert vote["vote"] == -5


async def test_reports_do_not_hold_a_merge_up(azure: AzureHarness) -> None:
    """An active thread does, where the branch asks for comments to be resolved."""
    number, _ = await opened(azure)
    await azure.platform.ensure_comment(azure.repo, Target("pull_request", number), "Report", "op-c")
    [sent] = [logged.body for logged in azure.server.log if logged.path.endswith("/threads") and logged.body]
    assert "status" not in sent
    assert await azure.platform.list_threads(azure.repo, number) == ()


# --- pipelines ----------------------------------------------------------------------------------------------


async def test_the_only_pipeline_needs_no_name_and_of_several_one_is_named(azure: AzureHarness) -> None:
    run = await azure.platform.trigger_ci(azure.repo, CiTrigger("main"), "op-1")
    assert run.name == "CI"
    azure.hello.workflows.append(Workflow(azure.world.new_id(), "Nightly", "nightly.yml"))
    with pytest.raises(ConfigError) as caught:
        await azure.platform.trigger_ci(azure.repo, CiTrigger("main"), "op-2")
    assert "'Nightly'" in (caught.value.hint or "")
    with pytest.raises(NotFound):
        await azure.platform.trigger_ci(azure.repo, CiTrigger("main", "Weekly"), "op-2")
    named = await azure.platform.trigger_ci(azure.repo, CiTrigger("main", "nightly"), "op-2")
    assert named.name == "Nightly"


async def test_a_build_whose_answer_was_lost_is_taken_on(azure: AzureHarness) -> None:
    azure.server.fail("POST", "/build/builds$", "lost_answer")
    trigger = CiTrigger("main", inputs=(("mode", "fast"),))
    with pytest.raises(Transient):
        await azure.platform.trigger_ci(azure.repo, trigger, "op-1")
    run = await azure.platform.trigger_ci(azure.repo, trigger, "op-1")
    assert [str(known.id) for known in azure.hello.runs] == [run.id]
    assert azure.hello.runs[0].inputs == {"mode": "fast"}
    other = await azure.platform.trigger_ci(azure.repo, trigger, "op-2")
    assert other.id != run.id


async def test_only_failed_builds_are_run_again(azure: AzureHarness) -> None:
    run = await azure.platform.trigger_ci(azure.repo, CiTrigger("main"), "op-1")
    await azure.finish_run(CheckState.SUCCESS)
    with pytest.raises(Conflict) as caught:
        await azure.platform.rerun(azure.repo, run.id)
    assert caught.value.hint


def test_a_build_of_a_pull_request_counts_for_its_head() -> None:
    """Such a build is of a merge commit, whose source it names."""
    info = {"pr.sourceSha": "a" * 40, "pr.sourceBranch": "refs/heads/fix"}
    build = BuildAnswer.model_validate(
        {"id": 1, "sourceVersion": "b" * 40, "sourceBranch": "refs/pull/1/merge", "triggerInfo": info}
    )
    assert (build.sha, build.branch) == ("a" * 40, "fix")


# --- what comes in place of an answer ---------------------------------------------------------------------


class _Answering:
    """A server that answers everything alike."""

    def __init__(self, status: int, headers: str, body: bytes) -> None:
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        self._answer = f"HTTP/1.1 {status} X\r\n{headers}{length}\r\n".encode() + body
        self.asked: list[bytes] = []

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/acme"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answer)
        await writer.drain()
        writer.close()


_PAGE = b"<html><title>Azure DevOps Services | Sign In</title></html>"
_HTML = "Content-Type: text/html; charset=utf-8\r\n"


@pytest.mark.parametrize("status", [200, 203])
async def test_a_page_to_sign_in_is_a_token_that_is_refused(status: int) -> None:
    server = _Answering(status, _HTML, _PAGE)
    async with server as url:
        platform = AzureDevOps(PlatformSettings("azure", "azure-devops", url, "canary-token"))
        with pytest.raises(BadCredentials) as caught:
            await platform.get_repository(RepoRef("azure", "p", "r"))
        await platform.close()
    assert "personal access token" in (caught.value.hint or "")
    assert "canary" not in caught.value.message
    expected = base64.b64encode(b":canary-token")
    assert b"Basic " + expected in server.asked[0]


async def test_a_delayed_answer_is_an_answer() -> None:
    body = b'{"id": "i", "name": "r", "remoteUrl": "https://acme@h/p/_git/r", "project": {"name": "p"}}'
    headers = "Content-Type: application/json\r\nRetry-After: 30\r\nX-RateLimit-Delay: 1.5\r\n"
    async with _Answering(200, headers, body) as url:
        platform = AzureDevOps(PlatformSettings("azure", "azure-devops", url, "canary-delayed"))
        with capture_logs() as logs:
            assert (await platform.get_repository(RepoRef("azure", "p", "r"))).ref.name == "r"
        [delayed] = [entry for entry in logs if entry["event"] == "platform.delayed"]
        assert delayed["seconds"] == 30
        found = await platform.get_repository(RepoRef("azure", "p", "r"))
        assert found.clone_url == "https://h/p/_git/r"
        assert await platform.get_repository(RepoRef("azure", "p", "r")) == found
        await platform.close()


# --- strangers --------------------------------------------------------------------------------------------

LIST_PULLS = "GET /{organization}/{project}/_apis/git/repositories/{repositoryId}/pullrequests"


async def test_a_branch_of_the_same_name_in_a_fork_is_another(azure: AzureHarness) -> None:
    head = await azure.push(BRANCH, "fix.txt", b"ours\n")
    theirs = await azure.open_pr(BRANCH, "main")
    listing = ROUTES[LIST_PULLS]

    def of_a_fork(call: Call) -> Reply:
        answer = listing(call)
        assert isinstance(answer, Reply)
        for pull in answer.body["value"]:
            if str(pull["pullRequestId"]) == theirs:
                pull["forkSource"] = {"name": f"refs/heads/{BRANCH}"}
        return answer

    with routed(LIST_PULLS, of_a_fork):
        assert await azure.platform.find_pr(azure.repo, BRANCH, "main") is None
        query = PullRequestFilter(head=BRANCH, state="all")
        assert (await azure.platform.list_prs(azure.repo, query)).items == ()
    forked = PullAnswer(pull_request_id=1, fork_source={"name": f"refs/heads/{BRANCH}"})
    assert forked.from_fork
    assert not PullAnswer(pull_request_id=1).from_fork
    assert (await azure.platform.get_pr(azure.repo, theirs)).head_sha == head


async def test_comments_that_go_on_for_ever_are_not_read_for_ever(azure: AzureHarness) -> None:
    number = str(azure.hello.add_issue("A bug", "It fails").number)
    name = "GET /{organization}/{project}/_apis/wit/workItems/{workItemId}/comments"

    def again(call: Call) -> Reply:
        return Reply(200, {"totalCount": 0, "count": 0, "comments": [], "continuationToken": "0"})

    with routed(name, again), pytest.raises(PlatformError, match="pages"):
        await azure.platform.list_comments(azure.repo, Target("issue", number))


@pytest.mark.parametrize("cursor", ["x", "-1", "1 OR 1=1", "9" * 30])
async def test_a_cursor_from_elsewhere_asks_nothing_else(azure: AzureHarness, cursor: str) -> None:
    with contextlib.suppress(NotFound):
        assert (await azure.platform.list_issues(azure.repo, IssueFilter(), cursor)).items == ()
    await azure.platform.list_prs(azure.repo, PullRequestFilter(), "api-version=7.1")
