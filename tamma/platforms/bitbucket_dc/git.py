"""Repository, files and branches."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from tamma.errors import Conflict, NotFound, PlatformError
from tamma.model.repository import Branch, RepoRef, Repository
from tamma.platforms.bitbucket_dc.client import PAGE_SIZE, BitbucketAccount, pages, repo_path
from tamma.platforms.bitbucket_dc.models import HEADS, BranchAnswer, DefaultBranch, RepositoryAnswer
from tamma.platforms.common.names import file_path, segments
from tamma.platforms.http.connection import PAGES
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import GitCredentials

_TOKEN_USER = "x-token-auth"  # noqa: S105 - a name that Atlassian gives for tokens of no person
_BRANCHES = "branch-utils"


class BitbucketGit(BitbucketAccount):
    """The Git part of the adapter."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        settings = self._settings
        answer = await self._api.get(RepositoryAnswer, repo_path(repo))
        where = RepoRef(repo.platform_id, answer.project.key or repo.owner, answer.slug or repo.name)
        ssh = settings.git_over == "ssh"
        shown = answer.links.clone_url(ssh=ssh)
        template = settings.clone_url
        return Repository(
            where,
            settings.default_branch or await self._default_branch(where),
            template.format(owner=where.owner, name=where.name)
            if template
            else (shown if ssh else _without_user(shown)) or self._usual_clone_url(where),
            answer.links.web,
            private=not answer.public,
            archived=answer.archived,
        )

    async def _default_branch(self, repo: RepoRef) -> str:
        """The configured one, also where there is no such branch yet."""
        return (await self._api.get(DefaultBranch, repo_path(repo, "/default-branch"))).display_id

    def _usual_clone_url(self, repo: RepoRef) -> str:
        """Where the administrator has switched off what the account wants, the server shows no address."""
        return f"{self._root}/scm/{quote(repo.owner.lower(), safe='~')}/{quote(repo.name, safe='')}.git"

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """A person's token goes with that person's name; a project's or repository's has a name for all."""
        settings, token = self._settings, await self._tokens.token()
        username = settings.username
        if not username and token is not None:
            who = await self._login()
            username = who if "/" not in who else _TOKEN_USER
        return GitCredentials(
            username,
            token,
            ssh_key=settings.ssh_key,
            known_hosts=settings.known_hosts,
            ca_file=settings.ca_file,
            proxy=settings.proxy,
        )

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        where = repo_path(repo, f"/raw/{segments(file_path(path))}")
        request = Request("GET", where, {"at": ref}, headers={"accept": "*/*"})
        return (await self._api.call(request)).body

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        sha = await self._branch_sha(repo, name)
        if sha is None:
            raise NotFound(f"{repo.full_name} has no branch {name!r}", platform=self._settings.id, status=404)
        return Branch(name, sha)

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        existing = await self._branch_sha(repo, name)
        if existing is None:
            body = {"name": name, "startPoint": from_sha}
            try:
                await self._api.do("POST", repo_path(repo, "/branches", _BRANCHES), body)
            except PlatformError as error:
                # Taken, and not possible beside the others: 400 and 409 say either. Was somebody quicker?
                existing = await self._branch_sha(repo, name) if error.status in (400, 409) else None
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
