"""Who may write, and what is said on pull requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from tamma.errors import BadCredentials, Forbidden, NotFound
from tamma.model.repository import Comment, RepoRef
from tamma.platforms.azure.client import AzureAccount, skipping
from tamma.platforms.azure.models import Answer, IdentityRef, Project, RepositoryAnswer
from tamma.platforms.azure.threads import (
    COMMENT_LIMIT,
    ThreadAnswer,
    ThreadComment,
    bare,
    new_comment,
    new_thread,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.ensuring import ours
from tamma.platforms.common.marks import with_mark
from tamma.platforms.common.names import is_number, number_of
from tamma.platforms.common.trust import Trust
from tamma.platforms.interface import PlatformSettings

_GIT_REPOSITORIES = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
"""The security namespace of Git repositories, the same everywhere
(learn.microsoft.com/azure/devops/organizations/security/namespace-reference)."""
_CONTRIBUTE = 4
"""The bit GenericContribute of that namespace."""


class _Extended(Answer):
    effective_allow: int = 0
    effective_deny: int = 0


class _Entry(Answer):
    allow: int = 0
    deny: int = 0
    extended_info: _Extended = Field(default_factory=_Extended)

    @property
    def contributes(self) -> bool:
        allowed = self.extended_info.effective_allow or self.allow
        return (
            bool(allowed & _CONTRIBUTE) and not (self.deny | self.extended_info.effective_deny) & _CONTRIBUTE
        )


class _AccessList(Answer):
    aces_dictionary: dict[str, _Entry] = Field(default_factory=dict[str, _Entry])


class _Team(Answer):
    id: str


class _Member(Answer):
    identity: IdentityRef = Field(default_factory=IdentityRef)


class AzureConversations(AzureAccount):
    """Trust, and the comments of pull requests."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._trust = Trust(self._ask_permission)

    async def _trusted(self, repo: RepoRef, who: IdentityRef) -> bool:
        return bool(who.id) and await self._trust.may_write(repo, who.id)

    async def _ask_permission(self, repo: RepoRef, identity: str) -> bool:
        """Whether somebody may contribute to the repository, by groups too.

        Where the project has no such repository (it tracks the work of another forge) to the project's
        repositories. Reading permissions takes a token with the scope Security; without it nobody is
        trusted, unless the option `trustTeams` says that members of the project's teams are.
        """
        found = await self._identities(repo, {"identityIds": identity, "queryMembership": "None"})
        if not found or not found[0].descriptor:
            return False
        descriptor = found[0].descriptor
        query = {
            "token": await self._security_token(repo),
            "descriptors": descriptor,
            "includeExtendedInfo": "true",
        }
        path = f"{self._place(repo).collection}/_apis/accesscontrollists/{_GIT_REPOSITORIES}"
        try:
            lists = await self._all(_AccessList, path, query)
        except (BadCredentials, Forbidden):
            if self._settings.options.get("trustTeams") is not True:
                return False
            return await self._in_a_team(repo, identity)
        entries = [entry for found in lists for entry in found.aces_dictionary.values()]
        return any(entry.contributes for entry in entries)

    async def _security_token(self, repo: RepoRef) -> str:
        try:
            found = await self._repository(repo)
        except NotFound:
            place = self._place(repo)
            path = f"{place.collection}/_apis/projects/{place.project}"
            return f"repoV2/{(await self._get(Project, path)).id}"
        return f"repoV2/{found.project.id}/{found.id}"

    async def _in_a_team(self, repo: RepoRef, identity: str) -> bool:
        place = self._place(repo)
        teams = f"{place.collection}/_apis/projects/{place.project}/teams"
        asked = self._query({"$top": "100"})
        for team in await self._api.every(_Team, teams, asked, skipping(), "value"):
            members = await self._api.every(_Member, f"{teams}/{team.id}/members", asked, skipping(), "value")
            if any(member.identity.id == identity for member in members):
                return True
        return False

    async def _repository(self, repo: RepoRef) -> RepositoryAnswer:
        if not repo.name:
            raise NotFound(f"{repo.owner!r} names no repository", platform=self._settings.id)
        return await self._api.get(RepositoryAnswer, self._in_repository(repo), self._query(), cached=True)

    # --- pull requests' comments -----------------------------------------------------------------------

    def _thread_path(self, repo: RepoRef, number: str, rest: str = "") -> str:
        return self._in_repository(repo, f"/pullRequests/{number_of(number)}/threads{rest}")

    async def _threads(self, repo: RepoRef, number: str, iteration: int | None = None) -> list[ThreadAnswer]:
        """Where they stand in that iteration of the change; without one, where they were opened."""
        query = {} if iteration is None else {"$iteration": str(iteration), "$baseIteration": "0"}
        return await self._all(ThreadAnswer, self._thread_path(repo, number), query)

    async def _talk(self, repo: RepoRef, number: str) -> AsyncIterator[tuple[ThreadAnswer, ThreadComment]]:
        """The conversation without remarks on lines and texts of reviews."""
        for thread in await self._threads(repo, number):
            if not thread.on_lines and thread.review_event is None:
                for comment in thread.spoken:
                    yield thread, comment

    async def _pull_comments(self, repo: RepoRef, number: str) -> tuple[Comment, ...]:
        found = [
            comment.comment(thread.id, trusted=await self._trusted(repo, comment.author))
            async for thread, comment in self._talk(repo, number)
        ]
        return tuple(sorted(found, key=lambda comment: str(comment.created_at or "")))

    async def _ensure_pull_comment(
        self, repo: RepoRef, number: str, body: str, op_id: str, link: str
    ) -> Comment:
        content = fit(with_mark(body, op_id), COMMENT_LIMIT, link=link, unit="utf16")
        for thread in await self._threads(repo, number):
            if not thread.on_lines and thread.review_event is None:
                there = await self._ours(repo, thread, op_id)
                if there is not None:
                    return await self._updated(repo, number, thread.id, there, content)
        made = await self._send(ThreadAnswer, "POST", self._thread_path(repo, number), new_thread(content))
        return made.comments[0].comment(made.id, trusted=True)

    async def _ours(self, repo: RepoRef, thread: ThreadAnswer, op_id: str) -> ThreadComment | None:
        return await ours(thread.spoken, op_id, lambda it: self._is_us(repo, it.author.id))

    async def _updated(
        self, repo: RepoRef, number: str, thread: int, there: ThreadComment, content: str
    ) -> Comment:
        if bare(there.content) != bare(content):
            path = self._thread_path(repo, number, f"/{thread}/comments/{there.id}")
            there = await self._send(ThreadComment, "PATCH", path, {"content": content})
        return there.comment(thread, trusted=True)

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        """Answer in a thread, once for `op_id`; the same again with another body updates it."""
        content = fit(with_mark(body, op_id), COMMENT_LIMIT, unit="utf16")
        thread = await self._thread(repo, number, thread_id)
        there = await self._ours(repo, thread, op_id)
        if there is not None:
            return await self._updated(repo, number, thread.id, there, content)
        path = self._thread_path(repo, number, f"/{thread.id}/comments")
        first = min((comment.id for comment in thread.comments), default=1)
        made = await self._send(ThreadComment, "POST", path, new_comment(content, first))
        return made.comment(thread.id, trusted=True)

    async def _thread(self, repo: RepoRef, number: str, thread_id: str) -> ThreadAnswer:
        if not is_number(thread_id):
            raise NotFound(f"there is no thread {thread_id!r}", platform=self._settings.id)
        return await self._get(ThreadAnswer, self._thread_path(repo, number, f"/{thread_id}"))
