"""What is GitLab's own: its errors, settings and words, trust, commits that race, and quick actions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.model.repository import (
    IssueFilter,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms.gitlab.client import next_page, without_commands
from tamma.platforms.gitlab.diffs import unified
from tamma.platforms.gitlab.errors import GITLAB
from tamma.platforms.gitlab.issues import TEXT_LIMIT
from tamma.platforms.gitlab.models import (
    DiffAnswer,
    IssueAnswer,
    MergeRequestAnswer,
    NoteAnswer,
    ProjectAnswer,
)
from tamma.platforms.gitlab.platform import GitLab
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.http.messages import Request, Response
from tests.platforms.gitlab_harness import GitLabHarness
from tests.platforms.steps import BRANCH, commit, open_pr
from tests.support.forge.faults import FaultKind

ISSUE = Target("issue", "1")


# --- the account ----------------------------------------------------------------------------------------


async def test_who_we_are_and_how_much_is_left(lab: GitLabHarness) -> None:
    identity = await lab.platform.check_credentials()
    assert (identity.login, identity.scopes) == ("tamma-bot", ("api",))
    assert identity.expires_at is not None
    assert identity.expires_at.isoformat() == "2027-01-31T00:00:00+00:00"
    limit = await lab.platform.rate_limit()
    assert (limit.limit, limit.remaining) == (2000, 1999)
    assert await lab.platform.server_version() == await lab.platform.server_version() == "19.2.1-ee"
    assert lab.server.requests.count("GET /api/v4/version") == 1


@pytest.mark.parametrize(("token", "hint"), [("wrong-t0ken", "expired"), (None, "no token")])
async def test_bad_credentials_say_what_to_do(lab: GitLabHarness, token: str | None, hint: str) -> None:
    platform = GitLab(replace(lab.platform.settings, token=token))
    with pytest.raises(BadCredentials) as caught:
        await platform.check_credentials()
    await platform.close()
    assert hint in (caught.value.hint or "")
    assert "t0ken" not in f"{caught.value} {caught.value.hint} {platform.settings!r}"


@pytest.mark.parametrize("tail", ["", "/", "/api/v4", "/api/v4/"])
async def test_the_address_may_name_the_api(lab: GitLabHarness, tail: str) -> None:
    platform = GitLab(replace(lab.platform.settings, base_url=lab.server.url + tail))
    assert (await platform.get_repository(lab.repo)).default_branch == "main"
    await platform.close()


async def test_credentials_for_git_and_the_address_to_clone(lab: GitLabHarness) -> None:
    plain = lab.platform.settings
    assert (await lab.platform.get_repository(lab.repo)).clone_url == f"{lab.server.url}/octo/hello.git"
    credentials = await lab.platform.git_credentials(lab.repo)
    assert (credentials.username, credentials.token) == ("oauth2", lab.server.token)
    assert lab.server.token not in repr(credentials)
    over_ssh = GitLab(replace(plain, git_over="ssh", ssh_key="/key", clone_url=None))
    assert (await over_ssh.get_repository(lab.repo)).clone_url == "git@127.0.0.1:octo/hello.git"
    assert (await over_ssh.git_credentials(lab.repo)).token is None
    await over_ssh.close()
    mirror = GitLab(replace(plain, clone_url="/srv/{owner}/{name}.git"))
    assert (await mirror.get_repository(lab.repo)).clone_url == "/srv/octo/hello.git"
    await mirror.close()


# --- errors ---------------------------------------------------------------------------------------------


FAILURES: tuple[tuple[str, int, str, type[PlatformError], str], ...] = (
    ("GET /projects/1", 401, "401 Unauthorized", BadCredentials, "scope api"),
    ("PUT /projects/1/merge_requests/2/merge", 401, "401 Unauthorized", Forbidden, "Developer"),
    ("POST /projects/1/merge_requests/2/approve", 401, "401 Unauthorized", Forbidden, "Developer"),
    ("GET /projects/1", 403, "403 Forbidden", Forbidden, "Developer"),
    ("GET /projects/1", 403, "insufficient_scope; The request requires higher", Forbidden, "lacks a scope"),
    ("GET /projects/1", 403, "Retry later", PlatformRateLimited, "waits"),
    ("GET /projects/1", 404, "404 Project Not Found", NotFound, "spelling"),
    ("POST /x", 405, "405 ... not allowed for moved projects", NotFound, "new path"),
    ("PUT /x/merge", 405, "405 Method Not Allowed", PlatformError, ""),
    ("PUT /x/merge", 406, "Branch cannot be merged", PlatformError, ""),
    ("POST /x", 400, "Branch already exists", Conflict, ""),
    ("POST /x", 400, "title is missing", PlatformError, ""),
    ("POST /x", 409, "Another open merge request already exists", Conflict, ""),
    ("DELETE /x", 412, "412 Precondition Failed", Conflict, ""),
    ("POST /x", 422, "Branch cannot be merged", PlatformError, ""),
    ("GET /x", 429, "Retry later", PlatformRateLimited, "waits"),
    ("GET /x", 500, "500 Internal Server Error", Transient, ""),
    ("GET /x", 502, "", Transient, ""),
    ("GET /x", 503, "", Transient, ""),
)


@pytest.mark.parametrize(("doing", "status", "message", "kind", "hint"), FAILURES)
def test_what_a_failure_means(
    doing: str, status: int, message: str, kind: type[PlatformError], hint: str
) -> None:
    error = error_for(Answer(status, message, {}, doing, "gitlab", has_token=True), GITLAB)
    assert type(error) is kind
    assert (error.status, error.platform) == (status, "gitlab")
    assert hint in (error.hint or "")
    assert str(status) in error.message


@pytest.mark.parametrize("kind", ["error", "error_after", "no_connection"])
async def test_a_write_is_never_repeated_by_the_client(lab: GitLabHarness, kind: FaultKind) -> None:
    await commit(lab)
    lab.server.fail("POST", "/merge_requests$", kind)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "Because")
    with pytest.raises(Transient):
        await lab.platform.ensure_pr(lab.repo, spec, "op")
    assert lab.server.requests.count("POST /api/v4/projects/octo%2Fhello/merge_requests") == 1
    done = await lab.platform.ensure_pr(lab.repo, spec, "op")
    assert done.created is (kind != "error_after")
    assert lab.world.effects["pull"] == 1


# --- projects ---------------------------------------------------------------------------------------------


async def test_nested_groups(lab: GitLabHarness) -> None:
    made = lab.world.add_repo("group/sub group/ünder", "app")
    made.add_issue("Deep", "down")
    repo = RepoRef("gitlab", "group/sub group/ünder", "app")
    assert (await lab.platform.get_repository(repo)).ref == repo
    assert (await lab.platform.get_issue(repo, "1")).title == "Deep"
    assert await lab.platform.get_file(repo, "src/app.py", "main") == b"print(1)\n"


async def test_a_moved_project_is_read_and_written_under_both_names(lab: GitLabHarness) -> None:
    """GitLab redirects reads, and refuses writes under the old name with 405."""
    await lab.add_issues(1)
    lab.world.rename(lab.hello, "greeting", "people/new")
    found = await lab.platform.get_repository(lab.repo)
    assert found.ref == RepoRef("gitlab", "people/new", "greeting")
    assert len((await lab.platform.list_issues(lab.repo, IssueFilter())).items) == 1
    await lab.platform.close_issue(lab.repo, "1")
    await lab.platform.reopen_issue(found.ref, "1")
    writes = [logged for logged in lab.server.log if logged.method == "PUT"]
    assert [logged.status for logged in writes] == [405, 200, 200]
    assert lab.world.effects["issue_state"] == 2


async def test_an_archived_project_refuses_writes(lab: GitLabHarness) -> None:
    await lab.add_issues(1)
    lab.archive()
    assert (await lab.platform.get_repository(lab.repo)).archived
    with pytest.raises(Forbidden):
        await lab.platform.ensure_comment(lab.repo, ISSUE, "hello", "op")
    with pytest.raises(Forbidden):
        await commit(lab)
    assert not lab.world.effects


async def test_an_empty_project(lab: GitLabHarness) -> None:
    repo = lab.empty_repository()
    assert (await lab.platform.get_repository(repo)).default_branch == "main"
    with pytest.raises(NotFound):
        await lab.platform.get_branch(repo, "main")
    with pytest.raises(PlatformError):
        await lab.platform.ensure_branch(repo, "fix", "1" * 40)


# --- issues -----------------------------------------------------------------------------------------------


async def test_issues_and_merge_requests_have_numbers_of_their_own(lab: GitLabHarness) -> None:
    await lab.add_issues(1, "The issue")
    pull = await open_pr(lab)
    assert pull.number == "1"
    assert (await lab.platform.get_issue(lab.repo, "1")).title == "The issue"
    await lab.platform.ensure_comment(lab.repo, ISSUE, "on the issue", "op-1")
    await lab.platform.ensure_comment(lab.repo, Target("pull_request", "1"), "on the change", "op-1")
    assert [c.body for c in await lab.platform.list_comments(lab.repo, ISSUE)] == ["on the issue"]
    assert [c.body for c in lab.hello.pulls[1].comments] == ["on the change\n\n<!-- tamma:op=op-1 -->"]


async def test_trust_is_asked_once_per_author(lab: GitLabHarness) -> None:
    await lab.add_issues(1)
    for author in ("octo", "reader", "stranger", "octo"):
        await lab.comment(ISSUE, f"I am {author}", author)
    comments = (await lab.platform.get_issue(lab.repo, "1")).comments
    assert [comment.trusted for comment in comments] == [True, False, False, True]
    await lab.platform.list_comments(lab.repo, ISSUE)
    assert len([asked for asked in lab.server.requests if "/members/all/" in asked]) == 3


async def test_a_copied_mark_is_not_ours(lab: GitLabHarness) -> None:
    await lab.add_issues(1)
    await lab.comment(ISSUE, "gotcha\n\n<!-- tamma:op=op-1 -->", "stranger")
    await lab.platform.ensure_comment(lab.repo, ISSUE, "ours", "op-1")
    comments = lab.hello.issues[1].comments
    assert [comment.author for comment in comments] == ["stranger", "tamma-bot"]
    assert comments[0].body.startswith("gotcha")


async def test_only_what_people_say_is_conversation(lab: GitLabHarness) -> None:
    """Without GitLab's own notes, remarks on lines and our reviews. A stranger's that looks so stays."""
    pull = await open_pr(lab)
    await lab.remark(pull.number, "fix.txt", 1, "on a line")
    target = Target("pull_request", pull.number)
    fake = f"**Review: approved** <!-- tamma:review=approve sha={'a' * 40} -->\n\nship it"
    await lab.comment(target, fake, "stranger")
    await lab.comment(target, "hello", "octo")
    comments = await lab.platform.list_comments(lab.repo, target)
    assert [(comment.author, comment.trusted) for comment in comments] == [
        ("stranger", False),
        ("octo", True),
    ]
    reviews = await lab.platform.list_reviews(lab.repo, pull.number)
    assert [review.author for review in reviews] == ["writer"], "a stranger gives no verdict by words"


async def test_a_text_that_is_too_long_is_shortened(lab: GitLabHarness) -> None:
    await lab.add_issues(1)
    body = "a line of text\n" * 80_000
    assert len(body) > TEXT_LIMIT
    made = await lab.platform.ensure_comment(lab.repo, ISSUE, body, "op", "https://x.example/whole")
    assert "https://x.example/whole" in made.body
    again = await lab.platform.ensure_comment(lab.repo, ISSUE, body, "op", "https://x.example/whole")
    assert again.id == made.id
    assert lab.world.effects == {"comment": 1}


async def test_somebody_who_cannot_be_assigned_is_not_found(lab: GitLabHarness) -> None:
    await lab.add_issues(1)
    for name, hint in (("nobody-of-that-name", "username"), ("stranger", "members")):
        with pytest.raises(NotFound) as caught:
            await lab.platform.set_assignees(lab.repo, "1", (name,))
        assert hint in (caught.value.hint or "")
    await lab.platform.set_assignees(lab.repo, "1", ("Octo", "writer"), ("reader",))
    assert (await lab.platform.get_issue(lab.repo, "1")).assignees == ("octo", "writer")


@pytest.mark.parametrize("number", ["", "abc", "1/../2", "²", "-1"])
async def test_what_is_no_number_is_not_found(lab: GitLabHarness, number: str) -> None:
    with pytest.raises(NotFound):
        await lab.platform.get_issue(lab.repo, number)
    assert lab.server.requests == []


COMMANDS = (
    ("/close", "\\/close"),
    ("text\n/merge\nmore", "text\n\\/merge\nmore"),
    ("/label ~bug", "\\/label ~bug"),
    ("a\n\r/approve", "a\n\r\\/approve"),
    ("/close\r\n", "\\/close\r\n"),
    ("```\n/close\n```", "```\n\\/close\n```"),
    ("/usr/bin/env", "/usr/bin/env"),
    ("see /close", "see /close"),
    ("/ alone", "/ alone"),
    ("a / b", "a / b"),
    ("https://x/close", "https://x/close"),
)


@pytest.mark.parametrize(("text", "expected"), COMMANDS)
def test_quick_actions_are_made_harmless(text: str, expected: str) -> None:
    assert without_commands(text) == expected
    assert without_commands(expected) == expected


async def test_a_quick_action_is_no_command_wherever_it_is_written(lab: GitLabHarness) -> None:
    """The server here refuses texts that hold one."""
    await lab.add_issues(1)
    await lab.platform.ensure_comment(lab.repo, ISSUE, "As you wrote:\n/close\n", "op-1")
    await commit(lab)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "/merge")
    pull = (await lab.platform.ensure_pr(lab.repo, spec, "op-2")).pull_request
    again = await lab.platform.update_pr(lab.repo, pull.number, body="/merge\n/approve")
    assert again.body == "\\/merge\n\\/approve"
    assert lab.world.effects["pull_edited"] == 1
    await lab.platform.update_pr(lab.repo, pull.number, body="/merge\n/approve")
    assert lab.world.effects["pull_edited"] == 1


# --- pages ------------------------------------------------------------------------------------------------


PAGES: tuple[tuple[dict[str, str], dict[str, str] | None], ...] = (
    ({"link": '<http://inside:8080/x?id_after=42&pagination=keyset>; rel="next"'}, {"id_after": "42"}),
    ({"x-next-page": "3"}, {"page": "3", "per_page": "100"}),
    ({"x-next-page": "", "x-total": "10"}, None),
    ({}, None),
)


@pytest.mark.parametrize(("headers", "expected"), PAGES)
def test_where_the_next_page_is(headers: dict[str, str], expected: dict[str, str] | None) -> None:
    asked = Request("GET", "/x", {"per_page": "100", "page": "2"})
    found = next_page(asked, Response(200, headers, b"[]"), [])
    assert found == expected if expected is None else set(expected.items()) <= set((found or {}).items())


# --- what GitLab once answered ----------------------------------------------------------------------------


def test_recorded_answers_are_read() -> None:
    import json

    from tests.support.forge.description import specs_folder

    folder = specs_folder() / "recorded" / "gitlab"
    if not folder.is_dir():
        pytest.skip(f"the recorded answers are not at {folder}")

    def recorded(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_bytes())

    issues = [IssueAnswer.model_validate(answer).issue() for answer in recorded("issues")]
    assert all(issue.number and issue.author != "ghost" and issue.created_at for issue in issues)
    note = NoteAnswer.model_validate(recorded("issue_note"))
    assert note.system
    assert note.comment(trusted=False).author == "pipin"
    project = ProjectAnswer.model_validate(recorded("repo"))
    assert (project.path_with_namespace, project.default_branch) == ("diaspora/diaspora", "master")
    pull = MergeRequestAnswer.model_validate(recorded("merge_diff")).pull_request()
    assert (pull.number, pull.head, pull.base, pull.state) == ("1", "version-1-9", "secret_token", "open")
    diffs = [DiffAnswer.model_validate(answer) for answer in recorded("merge_diffs_page2")]
    assert "diff --git" in unified(diffs)
