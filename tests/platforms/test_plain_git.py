"""Plain Git: bad addresses, issues from Markdown, and repositories behind a URL."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    NotFound,
    StaleHead,
    Transient,
    Unsupported,
)
from tamma.git.remote import Remote
from tamma.model.repository import CiTrigger, IssueFilter, MergeOutcome, PullRequestFilter, RepoRef, Target
from tamma.platforms import interface
from tamma.platforms.interface import GitCredentials, Platform, PlatformSettings
from tamma.platforms.plain.markdown_issue import issue_from_markdown
from tamma.platforms.plain.platform import PlainGit, is_url, local_path
from tamma.platforms.plain.remote import RemoteGit
from tests.platforms.harness import git, make_bare, make_checkout, push_to
from tests.support.git_http import HttpGit, allow, processes, serving
from tests.support.processes import eventually

BRANCH = "tamma/1-fix"
PLATFORM = PlainGit(PlatformSettings("git", "plain-git"))


def ref(path: object) -> RepoRef:
    return RepoRef("git", "", str(path))


# --- local ------------------------------------------------------------------------------------------------


async def test_a_folder_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        await PLATFORM.get_repository(ref(tmp_path))
    assert "git init" in (caught.value.hint or "")
    make_checkout(tmp_path / "work")
    with pytest.raises(NotFound) as caught:
        await PLATFORM.get_repository(ref(tmp_path / "work" / "src"))
    assert str(tmp_path / "work") in (caught.value.hint or "")


async def test_an_empty_repository_has_a_default_branch_that_is_not_there(tmp_path: Path) -> None:
    git("init", "-q", "-b", "trunk", "empty", cwd=tmp_path)
    assert (await PLATFORM.get_repository(ref(tmp_path / "empty"))).default_branch == "trunk"
    with pytest.raises(NotFound, match="trunk"):
        await PLATFORM.get_branch(ref(tmp_path / "empty"), "trunk")
    configured = PlainGit(PlatformSettings("git", "plain-git", default_branch="main"))
    assert (await configured.get_repository(ref(tmp_path / "empty"))).default_branch == "main"


async def test_all_that_plain_git_lacks_is_unsupported_with_a_hint(tmp_path: Path) -> None:
    typed: Platform = PLATFORM  # what the one-line methods must pass for, says the type checker
    repo = ref(make_bare(tmp_path))
    calls = {
        interface.ISSUES: typed.close_issue(repo, "1"),
        interface.COMMENTS: typed.list_comments(repo, Target("issue", "1")),
        interface.PULL_REQUESTS: typed.list_prs(repo, PullRequestFilter()),
        interface.DRAFTS: typed.set_draft(repo, "1", True),
        interface.REVIEWS: typed.list_reviews(repo, "1"),
        interface.AUTO_MERGE: typed.merge_pr(repo, "1", "merge", "0" * 40, when_ready=True),
        interface.CI_LOGS: typed.get_job_log(repo, "1"),
        interface.CI_TRIGGER: typed.trigger_ci(repo, CiTrigger("main"), "op"),
    }
    for capability, call in calls.items():
        with pytest.raises(Unsupported) as caught:
            await call
        asked = interface.PULL_REQUESTS if capability == interface.AUTO_MERGE else capability
        assert (caught.value.capability, caught.value.platform) == (asked, "plain-git")
        assert caught.value.hint
    with pytest.raises(Unsupported):
        typed.verify_webhook({}, b"")
    assert not set(calls) & await typed.capabilities()


async def test_the_default_branch_is_what_head_names(tmp_path: Path) -> None:
    path = make_checkout(tmp_path / "work")
    git("checkout", "-q", "-b", "trunk", cwd=path)
    found = await PLATFORM.get_repository(ref(f"file://{path}"))
    assert (found.default_branch, found.clone_url) == ("trunk", str(path))
    git("checkout", "-q", "--detach", cwd=path)
    assert (await PLATFORM.get_repository(ref(path))).default_branch == "main"


def test_what_is_a_url() -> None:
    assert is_url("https://example.test/a/b.git")
    assert is_url("git@example.test:a/b.git")
    assert is_url("ssh://git@example.test/a")
    assert not is_url("/srv/a:b")
    assert not is_url("file:///srv/a")
    assert local_path("file:///srv/a%20b") == "/srv/a b"


async def test_credentials_never_come_in_a_url() -> None:
    with pytest.raises(ConfigError) as caught:
        await PLATFORM.get_repository(ref("https://mona:s3cret@example.test/a.git"))
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    settings = PlatformSettings("git", "plain-git", token="t0ken")
    assert (await PlainGit(settings).git_credentials(ref("https://example.test/a"))).token == "t0ken"
    assert (await PlainGit(settings).git_credentials(ref("/srv/a"))).token is None


# --- issues -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title", "body", "labels"),
    [
        ("# It fails #\n\nWhy.\n", "It fails", "Why.", ()),
        ("---\ntitle: 'A: b'\nlabels: bug, ui\n---\nText\n## Not the title\n", "A: b", None, ("bug", "ui")),
        ("---\nlabels: [bug, 3]\n---\n# Head\nBody", "Head", "Body", ("bug", "3")),
        ("Just a line\nand more", "Just a line", "Just a line\nand more", ()),
        ("```\n# no heading\n```\n# Real\nx", "Real", "```\n# no heading\n```\nx", ()),
        ("\ufeff# Fenster\r\nZeile\r\n", "Fenster", "Zeile", ()),
        ("---\njust a rule\n---\n# T\nx", "T", "---\njust a rule\n---\nx", ()),
    ],
)
def test_an_issue_is_read_from_markdown(
    text: str, title: str, body: str | None, labels: tuple[str, ...]
) -> None:
    issue = issue_from_markdown(text, "issue-1")
    assert (issue.number, issue.title, issue.labels, issue.state) == ("issue-1", title, labels, "open")
    assert body is None or issue.body == body


def test_an_issue_that_says_nothing_is_refused() -> None:
    for text in ("", "\n \n", "---\nlabels: [x]\n---\n"):
        with pytest.raises(ConfigError, match="empty"):
            issue_from_markdown(text, "issue-1")
    with pytest.raises(ConfigError, match="YAML"):
        issue_from_markdown("---\ntitle: [\n---\nx", "issue-1")


async def test_configured_issues_are_listed(tmp_path: Path) -> None:
    issues = {"1": "# One\nx", "2": "---\nstate: closed\nlabels: bug\n---\n# Two\nx"}
    platform = PlainGit(PlatformSettings("git", "plain-git", options={"issues": issues}))
    listed = await platform.list_issues(ref(tmp_path), IssueFilter())
    assert [issue.number for issue in listed.items] == ["1"]
    closed = await platform.list_issues(ref(tmp_path), IssueFilter("all", labels=("bug",)))
    assert [issue.number for issue in closed.items] == ["2"]
    assert (await platform.get_issue(ref(tmp_path), "2")).title == "Two"
    with pytest.raises(NotFound) as caught:
        await platform.get_issue(ref(tmp_path), "3")
    assert "--issue" in (caught.value.hint or "")


# --- behind a URL -------------------------------------------------------------------------------------------


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A repository behind HTTP, and where it lies."""
    path = make_bare(tmp_path)
    allow(path)
    with serving(HttpGit(tmp_path)) as server:
        yield server.url("hello.git"), path


async def test_a_remote_repository_is_branched_merged_and_cleaned(remote: tuple[str, Path]) -> None:
    url, path = remote
    assert (await PLATFORM.get_repository(ref(url))).default_branch == "main"
    assert await PLATFORM.get_file(ref(url), "README.md", "main") == b"hello\n"
    base = (await PLATFORM.get_branch(ref(url), "main")).sha
    for _ in range(2):
        assert (await PLATFORM.ensure_branch(ref(url), BRANCH, base)).sha == base
    head = push_to(path, BRANCH, "fix.txt", b"fixed")
    with pytest.raises(Conflict):
        await PLATFORM.ensure_branch(ref(url), BRANCH, base)
    with pytest.raises(StaleHead):
        await PLATFORM.merge_branch(ref(url), BRANCH, "main", "1" * 40, "m")
    push_to(path, "main", "meanwhile.txt", b"x")
    merged = await PLATFORM.merge_branch(ref(url), BRANCH, "main", head, "Merge it")
    assert merged.outcome is MergeOutcome.MERGED
    assert (await PLATFORM.get_branch(ref(url), "main")).sha == merged.sha
    assert await PLATFORM.merge_branch(ref(url), BRANCH, "main", head, "Merge it") == merged
    with pytest.raises(StaleHead):
        await PLATFORM.delete_branch(ref(url), BRANCH, base)
    for _ in range(2):
        await PLATFORM.delete_branch(ref(url), BRANCH, head)
    with pytest.raises(NotFound):
        await PLATFORM.get_branch(ref(url), BRANCH)


class Beside(RemoteGit):
    """Somebody deletes the branch between our look and our write."""

    def _push(self, repo: pygit2.Repository, sha: str, name: str, *, expected: str) -> None:
        other = RemoteGit(self.remote)
        if sha:
            super()._push(repo, sha, name, expected=expected)
            other.delete_branch(name, sha)
            raise StaleHead("it came and went")
        other.delete_branch(name, expected)
        super()._push(repo, sha, name, expected=expected)


async def test_what_somebody_deletes_meanwhile_is_deleted_and_not_there(remote: tuple[str, Path]) -> None:
    url, path = remote
    beside = Beside(Remote.of(url, GitCredentials()))
    git("branch", BRANCH, "main", cwd=path)
    head = push_to(path, BRANCH, "fix.txt", b"fixed")
    await asyncio.to_thread(beside.delete_branch, BRANCH, head)
    base = await asyncio.to_thread(beside.branch_sha, "main")
    assert base is not None
    with pytest.raises(StaleHead):
        await asyncio.to_thread(beside.ensure_branch, BRANCH, base)
    assert await asyncio.to_thread(beside.branch_sha, BRANCH) is None


@pytest.mark.parametrize("front", ["due: 2026-13-45", "due: 2026-01-01T99:00:00", "[" * 5000, "a: ]"])
def test_front_matter_that_cannot_be_is_told(front: str) -> None:
    with pytest.raises(ConfigError, match="front matter"):
        issue_from_markdown(f"---\n{front}\n---\n# A bug\n", "1")


async def test_no_more_is_fetched_than_a_call_needs(tmp_path: Path) -> None:
    path = make_bare(tmp_path)
    allow(path)
    head = push_to(path, "main", "large.bin", os.urandom(500_000))
    git("branch", "other", cwd=path)
    push_to(path, "other", "other.bin", os.urandom(500_000))
    with serving(HttpGit(tmp_path)) as server:
        name = ref(server.url("hello.git"))
        assert await PLATFORM.get_file(name, "README.md", "main") == b"hello\n"
        with pytest.raises(NotFound, match="folder"):
            await PLATFORM.get_file(name, "src", "main")
        with pytest.raises(NotFound, match="absent"):
            await PLATFORM.get_file(name, "absent", "main")
        await PLATFORM.ensure_branch(name, BRANCH, head)
        assert server.sent < 20_000
        merged = await PLATFORM.merge_branch(name, BRANCH, "main", head, "Merge it")
        assert merged.outcome is MergeOutcome.MERGED
        assert 500_000 < server.sent < 600_000
        git("config", "uploadpack.allowFilter", "false", cwd=path)  # as servers without it
        assert await PLATFORM.get_file(name, "README.md", "main") == b"hello\n"


async def test_a_remote_that_says_nothing_is_given_up_with_all_that_was_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/silent.git"
        remote = RemoteGit(Remote.of(url, GitCredentials()), timeout=0.5)
        with pytest.raises(Transient, match="took longer"):
            await asyncio.to_thread(remote.default_branch)
        await eventually(lambda: not [seen for seen in processes() if url in seen.command])


async def test_a_remote_that_is_not_there(remote: tuple[str, Path]) -> None:
    url, _ = remote
    with pytest.raises(NotFound):
        await PLATFORM.get_repository(ref(url.replace("hello", "nobody")))
    with pytest.raises(NotFound):
        await PLATFORM.get_file(ref(url), "README.md", "no-such-branch")
    with pytest.raises(Transient):
        await PLATFORM.get_repository(ref("http://127.0.0.1:9/x.git"))


async def test_a_token_reaches_the_server_with_the_accounts_name(tmp_path: Path) -> None:
    make_bare(tmp_path / "private")
    with serving(HttpGit(tmp_path / "private", login=("oauth2", "t0ken-canary"))) as server:
        name = ref(server.url("hello.git"))
        settings = PlatformSettings("git", "plain-git", token="t0ken-canary", username="oauth2")
        assert (await PlainGit(settings).get_repository(name)).default_branch == "main"
        with pytest.raises(BadCredentials) as caught:
            await PLATFORM.get_repository(name)
        assert "give it a token" in (caught.value.hint or "")
        with pytest.raises(BadCredentials) as caught:
            await PlainGit(PlatformSettings("git", "plain-git", token="wr0ng-canary")).get_repository(name)
        assert "wr0ng" not in f"{caught.value} {caught.value.hint}"


async def test_a_token_is_not_sent_unencrypted_to_another_machine() -> None:
    settings = PlatformSettings("git", "plain-git", token="t0ken-canary")
    with pytest.raises(BadCredentials, match="not sent") as caught:
        await PlainGit(settings).get_repository(ref("http://example.test/a.git"))
    assert "https" in (caught.value.hint or "")
