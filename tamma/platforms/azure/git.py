"""Repository, files, branches and commits in Azure Repos."""

from __future__ import annotations

import base64

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead, Unsupported
from tamma.model.repository import Branch, ChangeKind, CommitRef, FileChange, RepoRef, Repository
from tamma.platforms.azure.address import without_user
from tamma.platforms.azure.client import continued
from tamma.platforms.azure.issues import AzureIssues
from tamma.platforms.azure.models import (
    HEADS,
    ZEROS,
    CommitAnswer,
    ItemAnswer,
    PushAnswer,
    RefAnswer,
    RefUpdateResult,
    RefUpdates,
    TreeAnswer,
    TreeEntry,
)
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.names import file_path
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.http.connection import PAGES
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import API_COMMITS, GitCredentials

_BYTES = {"$format": "octetStream", "download": "true"}
_GONE = "succeededNonExistentRef"
_DENIED = frozenset(
    {
        "writePermissionRequired",
        "createBranchPermissionRequired",
        "rejectedByPolicy",
        "rejectedByPlugin",
        "locked",
    }
)
_SHA_LENGTH = 40
_REFUSED = 200
"""The status under which an update of a ref is refused."""


class AzureGit(AzureIssues):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        """`archived` is a disabled repository, which can neither be read nor written."""
        found = await self._repository(repo)
        organization, slash, project = repo.owner.rpartition("/")
        owner = f"{organization}{slash}{found.project.name or project}"
        where = RepoRef(repo.platform_id, owner, found.name)
        return Repository(
            where,
            self._settings.default_branch or found.default_branch.removeprefix(HEADS) or "main",
            clone_url(self._settings, where, https=without_user(found.remote_url), ssh=found.ssh_url),
            found.web_url,
            found.project.visibility.lower() != "public",
            found.is_disabled or found.is_in_maintenance,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """Personal access tokens and Entra tokens both go as a password; the user's name is not looked at."""
        return await git_credentials(self._settings, self._tokens, self._settings.username)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        """At a commit's full id, else at the branch, else at the tag of that name."""
        kinds = ("commit",) if _is_sha(ref) else ("branch", "tag")
        for kind in kinds:
            query = {
                "path": f"/{file_path(path)}",
                "versionDescriptor.version": ref,
                "versionDescriptor.versionType": kind,
                "$format": "json",
            }
            try:
                item = await self._get(ItemAnswer, self._in_repository(repo, "/items"), query)
            except NotFound:
                if kind == kinds[-1]:
                    raise
                continue
            if item.git_object_type != "blob" or item.is_folder:
                raise NotFound(f"{path!r} at {ref!r} is a folder, not a file", platform=self._settings.id)
            return await self._blob(repo, item.object_id)
        raise NotFound(f"there is no {path!r} at {ref!r}", platform=self._settings.id)

    async def _blob(self, repo: RepoRef, sha: str) -> bytes:
        path = self._in_repository(repo, f"/blobs/{sha}")
        headers = {"accept": "application/octet-stream"}
        return (await self._api.call(Request("GET", path, self._query(_BYTES), headers=headers))).body

    # --- branches --------------------------------------------------------------------------------------

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise missing(repo, name, self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def make() -> str:
            done = await self._update_ref(repo, name, ZEROS, from_sha)
            if not done.success:
                raise self._refused(f"the branch {name!r} was not made", done)
            return from_sha

        sha, _ = await find_or_make(lambda: self._branch_sha(repo, name), make, answered(_REFUSED))
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """The service compares: a push between our look and our write is not lost."""
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        done = await self._update_ref(repo, name, expected_sha, ZEROS)
        if done.success or done.update_status == _GONE:
            return
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        raise self._refused(f"the branch {name!r} was not deleted", done)

    async def _update_ref(self, repo: RepoRef, name: str, old: str, new: str) -> RefUpdateResult:
        body = [{"name": f"{HEADS}{name}", "oldObjectId": old, "newObjectId": new}]
        done = await self._send(RefUpdates, "POST", self._in_repository(repo, "/refs"), body)
        return done.value[0] if done.value else RefUpdateResult()

    def _refused(self, what: str, done: RefUpdateResult) -> PlatformError:
        """HTTP 200 with a verdict of its own."""
        kind = Forbidden if done.update_status in _DENIED else PlatformError
        words = f"{what}: {done.update_status or 'no reason given'} {done.custom_message}".rstrip()
        hint = f"{done.rejected_by} rejected it" if done.rejected_by else None
        if done.update_status == "refNameConflict":
            hint = "a branch and a folder of branches cannot have the same name: rename one of them"
        return kind(words, hint=hint, platform=self._settings.id, status=_REFUSED)

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        """The filter is a prefix: `fix` also finds `fix-2`."""
        wanted = f"{HEADS}{name}"
        query: Query | None = self._query({"filter": f"heads/{name}"})
        path = self._in_repository(repo, "/refs")
        for _ in range(PAGES):
            refs, query = await self._api.page(RefAnswer, path, query, continued, "value")
            for ref in refs:
                if ref.name == wanted:
                    return ref.object_id
            if query is None:
                return None
        raise self._api.endless(path)

    # --- commits ---------------------------------------------------------------------------------------

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
        tip = await self._commit(repo, head)
        if has_trailer(tip.comment, op_id):
            return CommitRef(head, created=False)
        if head != expected_head:
            raise self._stale(f"the branch {branch!r}", head, expected_head)
        written = await self._changes(repo, tip.tree_id, changes)
        body = {
            "refUpdates": [{"name": f"{HEADS}{branch}", "oldObjectId": head}],
            "commits": [{"comment": with_trailer(message, op_id), "changes": written}],
        }
        try:
            made = await self._send(PushAnswer, "POST", self._in_repository(repo, "/pushes"), body)
        except PlatformError as error:
            refused = isinstance(error, Conflict | StaleHead) or error.status == 400
            now = await self._branch_sha(repo, branch) if refused else None
            if now is None or now == head:
                raise
            if has_trailer((await self._commit(repo, now)).comment, op_id):
                return CommitRef(now, created=False)  # another attempt was still under way
            raise self._stale(f"the branch {branch!r}", now, expected_head) from error
        return CommitRef(made.commits[0].commit_id, created=True)

    async def _changes(
        self, repo: RepoRef, tree: str, changes: tuple[FileChange, ...]
    ) -> list[dict[str, object]]:
        """As pushes take them: adding what is there and editing what is not are errors to them.

        Raises Unsupported for modes: a pushed file keeps the one it has, and a new one is 100644.
        """
        found: list[dict[str, object]] = []
        trees: dict[str, TreeAnswer] = {}
        for change in changes:
            there = await self._entry(repo, tree, change.path, trees)
            item = {"path": f"/{change.path}"}
            if change.kind is ChangeKind.DELETE:
                if there is not None:
                    found.append({"changeType": "delete", "item": item})
                continue
            mode = there.mode if there is not None else "100644"
            if change.mode != mode or mode == "120000":
                raise Unsupported(
                    API_COMMITS,
                    platform=self._settings.type,
                    hint=f"{change.path!r} would get the mode {change.mode}, which the data API cannot set: "
                    'deliver by git push ("delivery": "push")',
                )
            content = {"content": base64.b64encode(change.content).decode(), "contentType": "base64Encoded"}
            kind = "edit" if there is not None else "add"
            found.append({"changeType": kind, "item": item, "newContent": content})
        return found

    async def _entry(
        self, repo: RepoRef, tree: str, path: str, trees: dict[str, TreeAnswer]
    ) -> TreeEntry | None:
        """What stands at `path`; `trees` keeps the folders that were read."""
        entry: TreeEntry | None = None
        for name in path.split("/"):
            if entry is not None and entry.git_object_type != "tree":
                return None
            sha = entry.object_id if entry is not None else tree
            folder = trees.get(sha)
            if folder is None:
                folder = trees[sha] = await self._tree(repo, sha)
            entry = next((found for found in folder.tree_entries if found.relative_path == name), None)
            if entry is None:
                return None
        return entry

    async def _tree(self, repo: RepoRef, sha: str) -> TreeAnswer:
        return await self._get(TreeAnswer, self._in_repository(repo, f"/trees/{sha}"))

    async def _commit(self, repo: RepoRef, sha: str) -> CommitAnswer:
        return await self._get(CommitAnswer, self._in_repository(repo, f"/commits/{sha}"))


def _is_sha(ref: str) -> bool:
    return len(ref) == _SHA_LENGTH and all(letter in "0123456789abcdef" for letter in ref)
