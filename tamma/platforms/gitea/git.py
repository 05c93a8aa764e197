"""Repository, files and branches."""

from __future__ import annotations

from typing import cast

from tamma.errors import Conflict, NotFound
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.common.cloning import clone_address
from tamma.platforms.gitea.client import GiteaAccount, quoted, repo_path
from tamma.platforms.gitea.models import BranchAnswer, RefAnswer, RepositoryAnswer
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import GitCredentials


class GiteaGit(GiteaAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        settings = self._settings
        answer = await self._api.get(RepositoryAnswer, repo_path(repo))
        where = RepoRef(repo.platform_id, answer.owner.login or repo.owner, answer.name)
        said = answer.ssh_url if settings.git_over == "ssh" else answer.clone_url
        return Repository(
            where,
            settings.default_branch or answer.default_branch,
            clone_address(settings, where.owner, where.name, said),
            answer.html_url,
            answer.private,
            answer.archived,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        settings = self._settings
        return GitCredentials(
            settings.username,  # any will do: the token is the password
            await self._tokens.token(),
            ssh_key=settings.ssh_key,
            known_hosts=settings.known_hosts,
            ca_file=settings.ca_file,
            proxy=settings.proxy,
        )

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        request = Request("GET", repo_path(repo, f"/raw/{quoted(path)}"), {"ref": ref})
        return (await self._api.call(request)).body

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise NotFound(f"{repo.full_name} has no branch {name!r}", platform=self._settings.id, status=404)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        existing = await self._branch_sha(repo, name)
        if existing is None:
            body = {"new_branch_name": name, "old_ref_name": from_sha}
            try:
                await self._api.do("POST", repo_path(repo, "/branches"), body)
            except Conflict:
                existing = await self._branch_sha(repo, name)  # somebody was quicker?
                if existing is None:
                    raise
        if existing not in (None, from_sha):
            raise Conflict(
                f"the branch {name!r} of {repo.full_name} exists at {existing[:12]}, not at {from_sha[:12]}",
                hint="delete or rename it, or submit again with another branch",
                platform=self._settings.id,
            )
        return Branch(name, from_sha)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """There is no compare-and-delete: a push between our look and our write would be lost."""
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        try:
            await self._api.do("DELETE", repo_path(repo, f"/branches/{quoted(name)}"))
        except NotFound:
            return  # somebody else deleted it between our look and our write: as wanted

    async def _ref_sha(self, repo: RepoRef, name: str) -> str | None:
        """Where `refs/<name>` is; None where there is none. An exact match comes alone, others in a list."""
        path = repo_path(repo, f"/git/refs/{quoted(name)}")
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
            return await self._api.get(BranchAnswer, repo_path(repo, f"/branches/{quoted(name)}"))
        except NotFound:
            # The service says the same for a repository that is not there: tell the two apart.
            await self._api.call(Request("GET", repo_path(repo)))
            return None

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        found = await self._branch(repo, name)
        return None if found is None else found.commit.id
