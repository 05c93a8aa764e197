"""Repository, files and branches."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from tamma.errors import NotFound
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.bitbucket_cloud.client import BitbucketAccount, repo_path
from tamma.platforms.bitbucket_cloud.models import RefAnswer, RepositoryAnswer
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.names import file_path, segment, segments
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.http.messages import Request, Response
from tamma.platforms.interface import GitCredentials

_SHA = re.compile(r"[0-9a-f]{40}")
_FIRST_BRANCH = "main"
"""What Bitbucket calls the first branch of a new repository, which names none."""
_API_TOKEN, _OTHER_TOKEN = "x-bitbucket-api-token-auth", "x-token-auth"
"""The user names that go with tokens (support.atlassian.com, "Using API tokens", "Using access tokens")."""


class BitbucketGit(BitbucketAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        answer = await self._api.get(RepositoryAnswer, repo_path(repo))
        owner, _, name = answer.full_name.partition("/")
        where = RepoRef(repo.platform_id, owner, name)
        clone = {link.name: link.href for link in answer.links.clone}
        first = answer.mainbranch.name if answer.mainbranch else _FIRST_BRANCH
        return Repository(
            where,
            self._settings.default_branch or first,
            clone_url(self._settings, where, https=_bare(clone.get("https", "")), ssh=clone.get("ssh", "")),
            answer.links.html.href,
            answer.is_private,
        )

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        username = _API_TOKEN if self._with_username else _OTHER_TOKEN
        return await git_credentials(self._settings, self._tokens, username)

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        """A branch may have slashes, and in the address it is one segment: it is looked up first."""
        sha = ref if _SHA.fullmatch(ref) else await self._commit_of(repo, ref)
        response = await self._api.call(
            Request("GET", repo_path(repo, f"/src/{sha}/{segments(file_path(path))}"))
        )
        if _is_folder(response):
            raise NotFound(f"{path!r} at {ref!r} is a folder", platform=self._settings.id, status=404)
        return response.body

    async def _commit_of(self, repo: RepoRef, ref: str) -> str:
        branch = await self._branch_sha(repo, ref)
        if branch is not None:
            return branch
        tag = await self._api.get(RefAnswer, repo_path(repo, f"/refs/tags/{segments(ref)}"))
        return tag.target.hash if tag.target else segment(ref)

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise missing(repo, name, self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def make() -> str:
            body = {"name": name, "target": {"hash": from_sha}}
            await self._api.do("POST", repo_path(repo, "/refs/branches"), body)
            return from_sha

        # 400 BRANCH_ALREADY_EXISTS, among other things that 400 means.
        sha, _ = await find_or_make(lambda: self._branch_sha(repo, name), make, answered(400, 409))
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """There is no compare-and-delete: a push between our look and our write would be lost."""
        existing = await self._branch_sha(repo, name)
        if existing is None:
            return
        if existing != expected_sha:
            raise self._stale(f"the branch {name!r}", existing, expected_sha)
        try:
            await self._api.do("DELETE", repo_path(repo, f"/refs/branches/{segments(name)}"))
        except NotFound:
            return  # somebody else deleted it between our look and our write: as wanted

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        try:
            found = await self._api.get(RefAnswer, repo_path(repo, f"/refs/branches/{segments(name)}"))
        except NotFound:
            # The service says the same for a repository that is not there: tell the two apart.
            await self._api.call(Request("GET", repo_path(repo)))
            return None
        return found.target.hash if found.target else None


def _bare(url: str) -> str:
    """Bitbucket puts the caller's name into the address for https; that belongs to the credentials."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_folder(response: Response) -> bool:
    """Files come as attachments; a folder is a page of its entries."""
    headers = response.headers
    if "content-disposition" in headers or "json" not in headers.get("content-type", ""):
        return False
    try:
        body: object = response.json()
    except ValueError:
        return False
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    return "values" in fields and "pagelen" in fields
