"""Repository, files and branches."""

from __future__ import annotations

from typing import cast

from tamma.errors import NotFound
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import find_or_make
from tamma.platforms.common.names import file_path, segments
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.gitea.client import GiteaAccount, repo_path
from tamma.platforms.gitea.models import BranchAnswer, RefAnswer, RepositoryAnswer
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import GitCredentials


class GiteaGit(GiteaAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        answer = await self._api.get(RepositoryAnswer, repo_path(repo))
        where = RepoRef(repo.platform_id, answer.owner.login or repo.owner, answer.name)
        return Repository(
            where,
            self._settings.default_branch or answer.default_branch,
            clone_url(self._settings, where, https=answer.clone_url, ssh=answer.ssh_url),
            answer.html_url,
            answer.private,
            answer.archived,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """The token is the password; any name will do."""
        return await git_credentials(self._settings, self._tokens, self._settings.username)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        request = Request("GET", repo_path(repo, f"/raw/{segments(file_path(path))}"), {"ref": ref})
        return (await self._api.call(request)).body

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise missing(repo, name, self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def make() -> str:
            body = {"new_branch_name": name, "old_ref_name": from_sha}
            await self._api.do("POST", repo_path(repo, "/branches"), body)
            return from_sha

        sha, _ = await find_or_make(lambda: self._branch_sha(repo, name), make)
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """There is no compare-and-delete: a push between our look and our write would be lost."""
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        try:
            await self._api.do("DELETE", repo_path(repo, f"/branches/{segments(name)}"))
        except NotFound:
            return  # somebody else deleted it between our look and our write: as wanted

    async def _ref_sha(self, repo: RepoRef, name: str) -> str | None:
        """Where `refs/<name>` is; None where there is none. An exact match comes alone, others in a list."""
        path = repo_path(repo, f"/git/refs/{segments(name)}")
        request = Request("GET", path)
        try:
            answer: object = self._api.json(request, await self._api.call(request))
        except NotFound:
            return None
        found = cast("list[object]", answer) if isinstance(answer, list) else [answer]
        refs = [self._api.parse(RefAnswer, item, path) for item in found]
        return next((ref.object.sha for ref in refs if ref.ref == f"refs/{name}"), None)

    async def _branch(self, repo: RepoRef, name: str) -> BranchAnswer | None:
        try:
            return await self._api.get(BranchAnswer, repo_path(repo, f"/branches/{segments(name)}"))
        except NotFound:
            # The service says the same for a repository that is not there: tell the two apart.
            await self._api.call(Request("GET", repo_path(repo)))
            return None

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        found = await self._branch(repo, name)
        return None if found is None else found.commit.id
