"""Repository, files, branches and commits on GitHub, by its Git data API."""

from __future__ import annotations

import base64
import binascii

from tamma.errors import Conflict, NotFound, PlatformError
from tamma.model.repository import Branch, ChangeKind, CommitRef, FileChange, RepoRef, Repository
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.names import file_path, segments
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.github.client import GitHubAccount, repo_path
from tamma.platforms.github.models import (
    CommitAnswer,
    ContentAnswer,
    CreatedObject,
    RefAnswer,
    RepositoryAnswer,
)
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import GitCredentials

_INLINE_LIMIT = 200_000
"""Bytes of text that travel inside the tree's request. Each blob costs a write of its own, and GitHub's
secondary limit allows 80 writes a minute."""


class GitHubGit(GitHubAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        answer = await self._api.get(RepositoryAnswer, repo_path(repo), cached=True)
        owner, _, name = answer.full_name.partition("/")
        where = RepoRef(repo.platform_id, owner, name) if name else repo
        return Repository(
            where,
            self._settings.default_branch or answer.default_branch,
            clone_url(self._settings, where, https=answer.clone_url, ssh=answer.ssh_url),
            answer.html_url,
            answer.private,
            answer.archived,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        return await git_credentials(self._settings, self._tokens, "x-access-token")

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        """Up to 100 MB. Raises NotFound, also for a folder."""
        where = repo_path(repo, f"/contents/{segments(file_path(path))}")
        request = Request("GET", where, {"ref": ref})
        answer = self._api.json(request, await self._api.call(request))
        if isinstance(answer, list):
            raise NotFound(f"{path!r} at {ref!r} is a folder, not a file", platform=self._settings.id)
        found = self._api.parse(ContentAnswer, answer, where)
        if found.encoding != "base64":  # over 1 MB the content is left out
            found = await self._api.get(ContentAnswer, repo_path(repo, f"/git/blobs/{found.sha}"))
        try:
            return base64.b64decode(found.content)
        except binascii.Error as error:
            raise PlatformError(f"the content of {path!r} at {ref!r} is not base64") from error

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise missing(repo, name, self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def make() -> str:
            body = {"ref": f"refs/heads/{name}", "sha": from_sha}
            await self._api.do("POST", repo_path(repo, "/git/refs"), body)
            return from_sha

        sha, _ = await find_or_make(lambda: self._branch_sha(repo, name), make, answered(409, 422))
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """GitHub has no compare-and-delete: a push between our look and our write would be lost."""
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        try:
            await self._api.do("DELETE", repo_path(repo, f"/git/refs/heads/{segments(name)}"))
        except PlatformError as error:
            gone = error.status in (404, 409, 422) and await self._branch_sha(repo, name) is None
            if not gone:
                raise

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        head = (await self.get_branch(repo, branch)).sha
        tip = await self._git_commit(repo, head)
        if has_trailer(tip.message, op_id):
            return CommitRef(head, created=False)
        if head != expected_head:
            raise self._stale(f"the branch {branch!r}", head, expected_head)
        tree = await self._create_tree(repo, tip.tree.sha, changes)
        made = await self._api.send(
            CreatedObject,
            "POST",
            repo_path(repo, "/git/commits"),
            {"message": with_trailer(message, op_id), "tree": tree, "parents": [head]},
        )
        try:
            where = repo_path(repo, f"/git/refs/heads/{segments(branch)}")
            await self._api.do("PATCH", where, {"sha": made.sha, "force": False})
        except PlatformError as error:
            now = await self._branch_sha(repo, branch) if error.status in (409, 422) else None
            if now is None or now == head:
                raise
            if has_trailer((await self._git_commit(repo, now)).message, op_id):
                return CommitRef(now, created=False)  # another attempt was still under way
            raise self._stale(f"the branch {branch!r}", now, expected_head) from error
        return CommitRef(made.sha, created=True)

    async def _git_commit(self, repo: RepoRef, sha: str) -> CommitAnswer:
        return await self._api.get(CommitAnswer, repo_path(repo, f"/git/commits/{sha}"))

    async def _create_tree(self, repo: RepoRef, base_tree: str, changes: tuple[FileChange, ...]) -> str:
        entries: list[dict[str, object]] = []
        inlined = 0
        for change in changes:
            entry: dict[str, object] = {"path": change.path, "mode": change.mode, "type": "blob"}
            if change.kind is ChangeKind.DELETE:
                entry["sha"] = None
            elif (text := _plain_text(change.content)) is not None and inlined < _INLINE_LIMIT:
                entry["content"] = text
                inlined += len(change.content)
            else:
                blob = {"content": base64.b64encode(change.content).decode(), "encoding": "base64"}
                made = await self._api.send(CreatedObject, "POST", repo_path(repo, "/git/blobs"), blob)
                entry["sha"] = made.sha
            entries.append(entry)
        if not entries:
            return base_tree
        body = {"base_tree": base_tree, "tree": entries}
        return (await self._api.send(CreatedObject, "POST", repo_path(repo, "/git/trees"), body)).sha

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        try:
            found = await self._api.get(RefAnswer, repo_path(repo, f"/git/ref/heads/{segments(name)}"))
        except NotFound:
            # GitHub says the same for a repository that is not there: tell the two apart.
            await self._api.call(Request("GET", repo_path(repo)))
            return None
        except Conflict:
            return None  # "Git Repository is empty."
        return found.object.sha


def _plain_text(content: bytes) -> str | None:
    """The content as text that survives JSON unchanged; None for what must travel as base64."""
    if len(content) > _INLINE_LIMIT or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
