"""Repository, files and branches."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from tamma.errors import PlatformError
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.bitbucket_dc.client import PAGE_SIZE, BitbucketAccount, pages, repo_path
from tamma.platforms.bitbucket_dc.models import HEADS, BranchAnswer, DefaultBranch, RepositoryAnswer
from tamma.platforms.common.branches import ensured, missing
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.names import file_path, segment, segments
from tamma.platforms.common.repositories import clone_url, git_credentials
from tamma.platforms.http.connection import PAGES
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import GitCredentials

_TOKEN_USER = "x-token-auth"  # noqa: S105 - a name that Atlassian gives for tokens of no person
_BRANCHES = "branch-utils"


class BitbucketGit(BitbucketAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        answer = await self._api.get(RepositoryAnswer, repo_path(repo))
        where = RepoRef(repo.platform_id, answer.project.key or repo.owner, answer.slug or repo.name)
        https, ssh = (answer.links.clone_url(ssh=over_ssh) for over_ssh in (False, True))
        usual = self._usual_clone_url(where)
        return Repository(
            where,
            self._settings.default_branch or await self._default_branch(where),
            clone_url(self._settings, where, https=_without_user(https) or usual, ssh=ssh or usual),
            answer.links.web,
            private=not answer.public,
            archived=answer.archived,
        )

    async def _default_branch(self, repo: RepoRef) -> str:
        """The configured one, also where there is no such branch yet."""
        return (await self._api.get(DefaultBranch, repo_path(repo, "/default-branch"))).display_id

    def _usual_clone_url(self, repo: RepoRef) -> str:
        """Where the administrator has switched off what the account wants, the server shows no address."""
        return f"{self._root}/scm/{segment(repo.owner.lower())}/{segment(repo.name)}.git"

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """A person's token goes with that person's name; a project's or repository's has a name for all."""
        return await git_credentials(self._settings, self._tokens, await self._git_user())

    async def _git_user(self) -> str:
        settings = self._settings
        if settings.username or settings.git_over == "ssh" or await self._tokens.token() is None:
            return settings.username
        who = await self._login()
        return who if "/" not in who else _TOKEN_USER

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        where = repo_path(repo, f"/raw/{segments(file_path(path))}")
        request = Request("GET", where, {"at": ref}, headers={"accept": "*/*"})
        return (await self._api.call(request)).body

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise missing(repo, name, self._settings.id)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        async def make() -> str:
            body = {"name": name, "startPoint": from_sha}
            await self._api.do("POST", repo_path(repo, "/branches", _BRANCHES), body)
            return from_sha

        # Taken, and not possible beside the others: 400 and 409 say either.
        sha, _ = await find_or_make(lambda: self._branch_sha(repo, name), make, answered(400, 409))
        return ensured(repo, name, sha, from_sha, self._settings.id)

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """The server compares: it deletes the branch at `endPoint` alone; an absent one is done to it too."""
        body = {"name": HEADS + name, "endPoint": expected_sha}
        try:
            await self._api.do("DELETE", repo_path(repo, "/branches", _BRANCHES), body)
        except PlatformError as error:
            if error.status not in (400, 409):
                raise
            now = await self._branch_sha(repo, name)
            if now not in (None, expected_sha):
                raise self._stale(f"the branch {name!r}", now, expected_sha) from error
            if now is not None:
                raise

    async def _branch_sha(self, repo: RepoRef, name: str) -> str | None:
        """The filter finds all whose names contain this one; newer servers put the equal one first."""
        path = repo_path(repo, "/branches")
        following: Query | None = {"filterText": name, "boostMatches": "true", "limit": str(PAGE_SIZE)}
        for _ in range(PAGES):
            found, following = await self._api.page(BranchAnswer, path, following, pages, "values")
            sha = next((branch.latest_commit for branch in found if branch.id == HEADS + name), None)
            if sha is not None or following is None:
                return sha
        raise PlatformError(
            f"more than {PAGES} pages of branches contain {name!r}", platform=self._settings.id
        )


def _without_user(address: str) -> str:
    """The server writes the name of who asks into the address."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
