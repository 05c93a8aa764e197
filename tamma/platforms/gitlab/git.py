"""Projects, files, branches and commits on GitLab."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC
from email.utils import format_datetime

from tamma.errors import NotFound, PlatformError, StaleHead, Unsupported
from tamma.model.repository import Branch, ChangeKind, CommitRef, FileChange, RepoRef, Repository
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.names import file_path, segment
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.gitlab.client import GitLabAccount, project, without_commands
from tamma.platforms.gitlab.models import BranchAnswer, CommitAnswer, ProjectAnswer
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import GitCredentials

_LINK = "120000"


class GitLabGit(GitLabAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        answer = await self._project(repo)
        owner, _, name = answer.path_with_namespace.rpartition("/")
        ref = RepoRef(repo.platform_id, owner, name)
        address = clone_url(self._settings, ref, https=answer.http_url_to_repo, ssh=answer.ssh_url_to_repo)
        return Repository(
            ref,
            self._settings.default_branch or answer.default_branch or "main",
            address,
            answer.web_url,
            answer.visibility != "public",
            answer.archived,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """`oauth2` goes with OAuth tokens and with access tokens of all kinds."""
        return await git_credentials(self._settings, self._tokens, "oauth2")

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        """Raises NotFound, also for a folder."""
        where = project(repo, f"/repository/files/{segment(file_path(path))}/raw")
        return (await self._api.call(Request("GET", where, {"ref": ref}))).body

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        return Branch(name, (await self._tip(repo, name)).id)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def find() -> str | None:
            there = await self._branch(repo, name)
            return None if there is None else there.commit.id

        async def make() -> str:
            where = project(repo, "/repository/branches")
            await self._api.do("POST", where, {"branch": name, "ref": from_sha})
            return from_sha

        sha, _ = await find_or_make(find, make, answered(400, 409))  # 400 "Branch already exists"
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """GitLab has no compare-and-delete. It does compare the time at which the head was authored, which
        keeps most of what is pushed between our look and our write."""
        existing = await self._branch(repo, name)
        if existing is None:
            return
        if existing.commit.id != expected_sha:
            raise self._stale(f"the branch {name!r}", existing.commit.id, expected_sha)
        authored = existing.commit.authored_date
        since = (
            {"if-unmodified-since": format_datetime(authored.astimezone(UTC), usegmt=True)}
            if authored
            else {}
        )
        where = project(repo, f"/repository/branches/{segment(name)}")
        try:
            await self._api.call(Request("DELETE", where, headers=since))
        except PlatformError as error:
            if error.status not in (400, 404, 409, 412):
                raise
            now = await self._branch(repo, name)
            if now is not None and now.commit.id != expected_sha:
                raise self._stale(f"the branch {name!r}", now.commit.id, expected_sha) from error
            if now is not None:
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
        """Pinned by looking at the head right before, by the last commit of every file that is there
        (`last_commit_id`), and by looking at the parent right after: GitLab's API pins no head itself.
        """
        tip = await self._tip(repo, branch)
        if (done := self._made_before(branch, tip, expected_head, op_id)) is not None:
            return done
        actions = await self._actions(repo, changes, expected_head)
        body = {
            "branch": branch,
            "commit_message": with_trailer(without_commands(message), op_id),
            "actions": actions,
        }
        where = project(repo, "/repository/commits")
        try:
            made = await self._api.send(CommitAnswer, "POST", where, body)
        except PlatformError as error:
            if error.status not in (400, 409):
                raise
            made = await self._tip(repo, branch)  # a file was changed: somebody pushed, or we did before
            if self._made_before(branch, made, expected_head, op_id) is None:
                raise
        self._require_parent(branch, made, expected_head)
        return CommitRef(made.id, created=True)

    # --- within ------------------------------------------------------------------------------------------

    async def _project(self, repo: RepoRef) -> ProjectAnswer:
        return await self._api.get(ProjectAnswer, project(repo), cached=True)

    async def _branch(self, repo: RepoRef, name: str) -> BranchAnswer | None:
        try:
            return await self._api.get(BranchAnswer, project(repo, f"/repository/branches/{segment(name)}"))
        except NotFound:
            await self._project(repo)  # GitLab says the same for a project that is not there
            return None

    async def _tip(self, repo: RepoRef, branch: str) -> CommitAnswer:
        """The head of the branch. Raises NotFound."""
        found = await self._branch(repo, branch)
        if found is None:
            raise missing(repo, branch, self._settings.id)
        return found.commit

    def _made_before(
        self, branch: str, tip: CommitAnswer, expected_head: str, op_id: str
    ) -> CommitRef | None:
        """What an attempt before this one made; None where the head is as expected. Raises StaleHead."""
        if has_trailer(tip.message, op_id):
            if tip.id != expected_head:
                self._require_parent(branch, tip, expected_head)
            return CommitRef(tip.id, created=False)
        if tip.id != expected_head:
            raise self._stale(f"the branch {branch!r}", tip.id, expected_head)
        return None

    def _require_parent(self, branch: str, made: CommitAnswer, expected_head: str) -> None:
        """Raises StaleHead where somebody's push went in between our look and our write."""
        if expected_head not in made.parent_ids:
            raise StaleHead(
                f"the commit {made.id[:12]} on {branch!r} stands on {', '.join(made.parent_ids)[:12]}, "
                f"not on {expected_head[:12]}: somebody pushed at the same moment",
                hint="look at the branch and go on from its head",
                platform=self._settings.id,
            )

    async def _actions(
        self, repo: RepoRef, changes: tuple[FileChange, ...], head: str
    ) -> list[dict[str, object]]:
        executable = await asyncio.gather(*(self._executable(repo, change.path, head) for change in changes))
        return [
            action
            for change, was in zip(changes, executable, strict=True)
            for action in actions_of(change, was, head)
        ]

    async def _executable(self, repo: RepoRef, path: str, ref: str) -> bool | None:
        """Whether the file is; None where there is none."""
        where = project(repo, f"/repository/files/{segment(path)}")
        try:
            answer = await self._api.call(Request("HEAD", where, {"ref": ref}))
        except NotFound:
            return None
        return answer.headers.get("x-gitlab-execute-filemode") == "true"


def actions_of(change: FileChange, executable: bool | None, head: str) -> list[dict[str, object]]:
    """What the commits API is told to do (docs.gitlab.com/api/commits). `executable`: None for a file that is
    not there. A file's mode is an action of its own."""
    there = executable is not None
    pinned: dict[str, object] = {"file_path": change.path, "last_commit_id": head}
    if change.kind is ChangeKind.DELETE:
        return [{"action": "delete", **pinned}] if there else []
    if change.mode == _LINK:
        raise Unsupported(
            "symbolic links by the API", platform="gitlab", hint='deliver by git push ("delivery": "push")'
        )
    write: dict[str, object] = {
        "action": "update" if there else "create",
        **(pinned if there else {"file_path": change.path}),
        "content": base64.b64encode(change.content).decode(),
        "encoding": "base64",
    }
    wanted = change.mode == "100755"
    if wanted == bool(executable):
        return [write]
    return [write, {"action": "chmod", "file_path": change.path, "execute_filemode": wanted}]
