"""Commits through the API."""

from __future__ import annotations

import re

from tamma.errors import Conflict, PlatformError
from tamma.model.repository import ChangeKind, CommitRef, FileChange, RepoRef
from tamma.platforms.bitbucket_cloud.client import repo_path
from tamma.platforms.bitbucket_cloud.form import ATTRIBUTES, check, form
from tamma.platforms.bitbucket_cloud.git import BitbucketGit
from tamma.platforms.bitbucket_cloud.models import CommitAnswer, FileMeta
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.names import segments
from tamma.platforms.http.messages import Request

_COMMIT = re.compile(r"/commits?/([0-9a-f]{40})$")


class BitbucketCommits(BitbucketGit):
    """The part of the adapter that writes commits."""

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        """Pinned by the service: it takes the commit only on top of `parents`."""
        head = (await self.get_branch(repo, branch)).sha
        if await self._is_of(repo, head, op_id):
            return await self._checked(repo, CommitRef(head, created=False), changes)
        if head != expected_head:
            raise self._stale(f"the branch {branch!r}", head, expected_head)
        check(changes, self._settings.id)
        fields = (("message", with_trailer(message, op_id)), ("branch", branch), ("parents", expected_head))
        body, media = form(fields, changes)
        request = Request("POST", repo_path(repo, "/src"), content=body, headers={"content-type": media})
        try:
            response = await self._api.call(request)
        except Conflict as error:
            now = (await self.get_branch(repo, branch)).sha
            if await self._is_of(repo, now, op_id):
                return CommitRef(now, created=False)
            if now != expected_head:
                raise self._stale(f"the branch {branch!r}", now, expected_head) from error
            raise
        made = _COMMIT.search(response.headers.get("location", ""))
        sha = made[1] if made else (await self.get_branch(repo, branch)).sha
        return await self._checked(repo, CommitRef(sha, created=True), changes)

    async def _is_of(self, repo: RepoRef, sha: str, op_id: str) -> bool:
        tip = await self._api.get(CommitAnswer, repo_path(repo, f"/commit/{sha}"))
        return has_trailer(tip.message, op_id)

    async def _checked(self, repo: RepoRef, made: CommitRef, changes: tuple[FileChange, ...]) -> CommitRef:
        """Raises PlatformError where the service took a script or a link for a plain file."""
        for change in changes:
            wanted = ATTRIBUTES.get(change.mode, "")
            if change.kind is ChangeKind.DELETE or not wanted:
                continue
            path = repo_path(repo, f"/src/{made.sha}/{segments(change.path)}")
            meta = await self._api.get(FileMeta, path, {"format": "meta"})
            if wanted not in meta.attributes:
                raise PlatformError(
                    f"Bitbucket made the commit {made.sha[:12]}, but {change.path!r} is no {wanted} in it",
                    hint='deliver by git push ("delivery": "push")',
                    platform=self._settings.id,
                )
        return made
