"""Repositories, branches and commits of the memory platform: all of it real Git."""

from __future__ import annotations

from tamma.model.repository import Branch, CommitRef, FileChange, MergeResult, RepoRef, Repository
from tamma.platforms.common.branches import stale
from tamma.platforms.common.marks import has_trailer, with_trailer
from tamma.platforms.common.repositories import configured_clone_url
from tamma.platforms.git import objects as gitdb
from tamma.platforms.interface import GitCredentials
from tamma.platforms.memory.account import MemoryAccount
from tamma.platforms.memory.scene import Scene


class MemoryBranches(MemoryAccount):
    """See `Forge`."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        def deed(scene: Scene) -> Repository:
            address = configured_clone_url(self._settings, repo) or scene.path
            default = self._settings.default_branch or gitdb.default_branch(scene.git, scene.path)
            archived = repo.full_name in self._options.archived
            return Repository(repo, default, address, scene.url, archived=archived)

        return await self._read("get_repository", repo, deed)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        return await self._read("get_file", repo, lambda scene: scene.local.read_file(path, ref))

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        return await self._read(
            "get_branch", repo, lambda scene: Branch(name, gitdb.require_branch(scene.git, name))
        )

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        def deed(scene: Scene) -> tuple[Branch, bool]:
            return Branch(name, from_sha), gitdb.ensure_branch(scene.git, name, from_sha)

        return await self._write("ensure_branch", repo, name, deed)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        def deed(scene: Scene) -> tuple[None, bool]:
            return None, gitdb.delete_branch(scene.git, name, expected_sha)

        await self._write("delete_branch", repo, name, deed)

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        def deed(scene: Scene) -> tuple[CommitRef, bool]:
            git = scene.git
            head = gitdb.require_branch(git, branch)
            if has_trailer(gitdb.require_commit(git, head).message, op_id):
                return CommitRef(head, created=False), False
            if head != expected_head:
                raise stale(f"the branch {branch!r}", head, expected_head, repo.platform_id)
            made = gitdb.commit_changes(git, head, changes, with_trailer(message, op_id))
            gitdb.move_branch(git, branch, head, made, "tamma: commit")
            return CommitRef(made, created=True), True

        return await self._write("commit_files", repo, branch, deed)

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        def deed(scene: Scene) -> tuple[MergeResult, bool]:
            before = scene.local.branch_sha(base)
            result = scene.local.merge(branch, base, expected_head, message)
            return result, scene.local.branch_sha(base) != before

        return await self._write("merge_branch", repo, f"{branch} into {base}", deed)

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        return GitCredentials()
