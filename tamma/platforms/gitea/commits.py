"""Commits through the API."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tamma.errors import Conflict, NotFound, PlatformError
from tamma.model.repository import ChangeKind, CommitRef, FileChange, RepoRef
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.names import segment
from tamma.platforms.gitea.client import repo_path
from tamma.platforms.gitea.git import GiteaGit
from tamma.platforms.gitea.models import CommitAnswer, CommittedFiles, TreeEntry
from tamma.platforms.gitea.patches import Blob, patch_of
from tamma.platforms.http.messages import Query, Request, Response

_BRIEF: Query = {"stat": "false", "verification": "false", "files": "false"}
_PATCH_WITHOUT_SHA = (1, 25)
"""Before that Gitea, as Forgejo still, wanted a `sha` with a patch, and did nothing with it."""

Changes = Sequence[tuple[FileChange, Blob | None]]


class GiteaCommits(GiteaGit):
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
        """Pinned file by file, for the service takes no expected head: a push of other files between our look
        and our write is found afterwards, and raises StaleHead with our commit on top of it."""
        head = (await self.get_branch(repo, branch)).sha
        if await self._is_made(repo, head, op_id):
            return CommitRef(head, created=False)
        if head != expected_head:
            raise self._stale(f"the branch {branch!r}", head, expected_head)
        found: dict[str, dict[str, TreeEntry]] = {}
        pinned = [(change, await self._blob(repo, head, change.path, found)) for change in changes]
        try:
            made = await self._commit(repo, branch, head, pinned, with_trailer(message, op_id))
        except PlatformError as error:
            # A patch that does not apply is an internal error (500) to some servers.
            now = await self._branch_sha(repo, branch) if error.status in (404, 409, 422, 500) else None
            if now is None or now == head:
                raise
            if await self._is_made(repo, now, op_id):
                return CommitRef(now, created=False)  # another attempt was still under way
            raise self._stale(f"the branch {branch!r}", now, expected_head) from error
        parents = made.commit.parents
        if parents and parents[0].sha != head:
            raise self._stale(f"the branch {branch!r}", parents[0].sha, expected_head)
        return CommitRef(made.commit.sha, created=True)

    async def _is_made(self, repo: RepoRef, sha: str, op_id: str) -> bool:
        """Whether that commit is the operation's."""
        tip = await self._api.get(CommitAnswer, repo_path(repo, f"/git/commits/{segment(sha)}"), _BRIEF)
        return has_trailer(tip.commit.message, op_id)

    async def _commit(
        self, repo: RepoRef, branch: str, head: str, changes: Changes, message: str
    ) -> CommittedFiles:
        body: dict[str, object] = {"branch": branch, "message": message}
        if all(_keeps_mode(change, there) for change, there in changes):
            body["files"] = [_operation(change, there) for change, there in changes]
            return await self._api.send(CommittedFiles, "POST", repo_path(repo, "/contents"), body)
        server = await self._server()
        if server.kind == "forgejo" or server.version < _PATCH_WITHOUT_SHA:
            body["sha"] = ""
        body["content"] = patch_of(changes, head)
        return await self._api.send(CommittedFiles, "POST", repo_path(repo, "/diffpatch"), body)

    async def _blob(
        self, repo: RepoRef, commit: str, path: str, found: dict[str, dict[str, TreeEntry]]
    ) -> Blob | None:
        """What stands at `path`. `found` keeps the folders that were read, by their path."""
        folder, tree = "", commit
        *folders, name = path.split("/")
        for part in folders:
            entry = (await self._folder(repo, folder, tree, found)).get(part)
            if entry is None or entry.type != "tree":
                return None
            folder, tree = f"{folder}{part}/", entry.sha
        entry = (await self._folder(repo, folder, tree, found)).get(name)
        if entry is None:
            return None
        if entry.type != "blob":
            raise Conflict(f"{path!r} is no file but a {entry.type}", platform=self._settings.id)
        return Blob(entry.sha, entry.mode)

    async def _folder(
        self, repo: RepoRef, folder: str, tree: str, found: dict[str, dict[str, TreeEntry]]
    ) -> dict[str, TreeEntry]:
        if folder not in found:
            path = repo_path(repo, f"/git/trees/{segment(tree)}")
            try:
                entries = await self._api.every(TreeEntry, path, {}, _more_of_a_tree, "tree")
            except NotFound:
                entries = []  # an empty tree
            found[folder] = {entry.path: entry for entry in entries}
        return found[folder]


def _more_of_a_tree(request: Request, response: Response, body: Any) -> Query | None:
    if not body.get("truncated") or not body.get("tree"):
        return None
    return {**request.query, "page": str(int(str(request.query.get("page", 1))) + 1)}


def _keeps_mode(change: FileChange, there: Blob | None) -> bool:
    """Whether the contents API can write it: new files are 100644, the others keep their mode, and links are
    refused."""
    if change.kind is ChangeKind.DELETE:
        return True
    mode = "100644" if there is None else there.mode
    return mode == change.mode and mode != "120000"


def _operation(change: FileChange, there: Blob | None) -> dict[str, object]:
    """One file of a commit, with the blob that stands there as its pin."""
    pin = {} if there is None else {"sha": there.sha}
    if change.kind is ChangeKind.DELETE:
        return {"operation": "delete", "path": change.path, **pin}
    content = base64.b64encode(change.content).decode()
    operation = "create" if there is None else "update"
    return {"operation": operation, "path": change.path, "content": content, **pin}
