"""One round over an account: a branch, a commit, a pull request and all that is said of it, then cleaned up.

`make live` takes it on real accounts; the contract suite takes it over the servers of ours, so that it is
known to work before it costs anybody anything. Everything it makes begins with `test-`.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, field

from tamma.errors import NotFound, Unsupported
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    FileChange,
    InlineComment,
    IssueFilter,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
)
from tamma.platforms import interface as i
from tamma.platforms.interface import Platform

FILE = "test-tamma.txt"


@dataclass
class Round:
    """`did` names what was seen to work; nothing is skipped that the platform says it can."""

    platform: Platform
    repo: RepoRef
    branch: str = field(default_factory=lambda: f"test-tamma/{uuid.uuid4().hex[:12]}")
    did: list[str] = field(default_factory=list[str])

    async def take(self) -> None:
        """Raises what goes wrong; the branch and the pull request are closed and deleted in any case."""
        able = await self.platform.capabilities()
        if i.API_COMMITS not in able:
            raise Unsupported(i.API_COMMITS, platform=self.platform.settings.type, hint="push a branch")
        await self.platform.check_credentials()
        repository = await self.platform.get_repository(self.repo)
        base = await self.platform.get_branch(self.repo, repository.default_branch)
        number: str | None = None
        try:
            head = await self._commit(base.sha)
            number = await self._open(base.name, head)
            await self._talk(number, head, able)
            if i.ISSUES in able:
                await self.platform.list_issues(self.repo, IssueFilter())
                self.did.append("list_issues")
        finally:
            await self._clean_up(number)

    async def _commit(self, base: str) -> str:
        for _ in range(2):  # twice, as an activity may run
            await self.platform.ensure_branch(self.repo, self.branch, base)
        change = (FileChange(FILE, ChangeKind.WRITE, f"{self.branch}\nGrüße\n".encode()),)
        shas = {
            (await self.platform.commit_files(self.repo, self.branch, change, "Test", base, self.branch)).sha
            for _ in range(2)
        }
        [head] = shas
        assert (await self.platform.get_branch(self.repo, self.branch)).sha == head
        assert "Grüße" in (await self.platform.get_file(self.repo, FILE, self.branch)).decode()
        self.did += ["ensure_branch", "commit_files", "get_file"]
        return head

    async def _open(self, base: str, head: str) -> str:
        spec = PullRequestSpec(self.branch, base, "test-tamma", "A test of Tamma. It closes this by itself.")
        first = await self.platform.ensure_pr(self.repo, spec, self.branch)
        again = await self.platform.ensure_pr(self.repo, spec, self.branch)
        pull = first.pull_request
        assert (first.created, again.created) == (True, False)
        assert again.pull_request.number == pull.number
        assert pull.head_sha == head
        found = await self.platform.find_pr(self.repo, self.branch, base)
        assert found is not None
        assert found.number == pull.number
        listed = await self.platform.list_prs(self.repo, PullRequestFilter(head=self.branch))
        assert pull.number in [each.number for each in listed.items]
        self.did += ["ensure_pr", "find_pr", "list_prs"]
        return pull.number

    async def _talk(self, number: str, head: str, able: frozenset[str]) -> None:
        platform, repo, target = self.platform, self.repo, Target("pull_request", number)
        for words in ("first", "second", "second"):
            await platform.ensure_comment(repo, target, words, f"{self.branch}/c")
        assert [c.body for c in await platform.list_comments(repo, target)] == ["second"]
        assert FILE in await platform.get_diff(repo, number)
        await platform.merge_readiness(repo, number)
        self.did += ["ensure_comment", "get_diff", "merge_readiness"]
        if i.REVIEWS in able:
            inline = (InlineComment(FILE, 1, "a remark"),)
            review = ReviewSpec(ReviewEvent.COMMENT, "read", head, inline)
            made = {(await platform.submit_review(repo, number, review, f"{self.branch}/r")).id for _ in "12"}
            assert len(made) == 1
            [thread] = await platform.list_threads(repo, number)
            replies = {
                (await platform.reply(repo, number, thread.id, "yes", f"{self.branch}/a")).id for _ in "12"
            }
            assert len(replies) == 1
            self.did += ["submit_review", "list_threads", "reply"]
            if i.RESOLVE_THREADS in able:
                await platform.resolve_thread(repo, number, thread.id)
                [thread] = await platform.list_threads(repo, number)
                assert thread.resolved
                self.did.append("resolve_thread")
        if i.STATUSES in able:
            await platform.set_status(repo, head, Status("test-tamma", CheckState.SUCCESS, "well"))
            self.did.append("set_status")
        if i.CHECKS in able:
            found = [check.state for check in (await platform.get_checks(repo, head)).checks]
            assert i.STATUSES not in able or CheckState.SUCCESS in found
            self.did.append("get_checks")
        if i.CI_RUNS in able:
            await platform.list_runs(repo, sha=head)
            self.did.append("list_runs")
        if i.DRAFTS in able:
            assert (await platform.set_draft(repo, number, True)).draft
            assert not (await platform.set_draft(repo, number, False)).draft
            self.did.append("set_draft")

    async def _clean_up(self, number: str | None) -> None:
        if number is not None:
            await self.platform.close_pr(self.repo, number)
            assert (await self.platform.get_pr(self.repo, number)).state == "closed"
            self.did.append("close_pr")
        with contextlib.suppress(NotFound):
            head = (await self.platform.get_branch(self.repo, self.branch)).sha
            await self.platform.delete_branch(self.repo, self.branch, head)
            self.did.append("delete_branch")
