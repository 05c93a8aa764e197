"""Who our credentials belong to, who others are, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel, Field

from tamma.errors import BadCredentials, NotFound, PlatformError
from tamma.model.repository import Comment, Identity, RepoRef
from tamma.platforms.common.trust import Trust
from tamma.platforms.gitlab.client import GitLabAccount, next_page, project
from tamma.platforms.gitlab.models import NoteAnswer, User
from tamma.platforms.interface import PlatformSettings

_DEVELOPER = 30
"""The role from which on somebody may push (docs.gitlab.com/api/access_requests, access levels)."""


class _Member(BaseModel):
    access_level: int = 0
    state: str = "active"


class _TokenAnswer(BaseModel):
    scopes: list[str] = Field(default_factory=list[str])
    expires_at: date | None = None


class _OAuthAnswer(BaseModel):
    scope: list[str] = Field(default_factory=list[str])
    expires_in: int | None = None


class _Version(BaseModel):
    version: str = ""


class GitLabPeople(GitLabAccount):
    """The part of the adapter that knows people."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._trust = Trust(self._ask_permission)
        self._ids: dict[str, int] = {}
        self._me: User | None = None
        self._version: str | None = None

    async def check_credentials(self) -> Identity:
        """The token's user, its scopes and its end. Raises BadCredentials."""
        self._me = await self._api.get(User, "/user")
        try:
            scopes, ends = await self._about_token()
        except PlatformError as error:  # older servers, and tokens that may not ask about themselves
            if isinstance(error, BadCredentials) or error.may_retry:
                raise
            scopes, ends = (), None
        return Identity(self._me.username, scopes, ends)

    async def server_version(self) -> str:
        """Asked once."""
        if self._version is None:
            self._version = (await self._api.get(_Version, "/version")).version
        return self._version

    async def _about_token(self) -> tuple[tuple[str, ...], datetime | None]:
        if self._settings.auth == "oauth":
            said = await self._api.get(_OAuthAnswer, f"{self._root}/oauth/token/info")
            left = timedelta(seconds=said.expires_in) if said.expires_in is not None else None
            return tuple(said.scope), datetime.now(UTC) + left if left is not None else None
        token = await self._api.get(_TokenAnswer, "/personal_access_tokens/self")
        ends = token.expires_at  # it ends at the beginning of that day, UTC
        return tuple(token.scopes), datetime(ends.year, ends.month, ends.day, tzinfo=UTC) if ends else None

    async def _who(self) -> User:
        """Whose credentials these are."""
        if self._me is None:
            self._me = await self._api.get(User, "/user")
        return self._me

    async def _is_us(self, note: NoteAnswer) -> bool:
        """Whether we wrote it."""
        return await self._me_is(note.author)

    async def _me_is(self, user: User | None) -> bool:
        return user is not None and user.id == (await self._who()).id

    async def _user_id(self, name: str) -> int:
        """Raises NotFound."""
        key = name.lower()
        if key not in self._ids:
            found, _ = await self._api.page(User, "/users", {"username": name}, next_page)
            user = next((user for user in found if user.username.lower() == key), None)
            if user is None:
                raise NotFound(
                    f"GitLab has no user {name!r}", hint="give the username", platform=self._settings.id
                )
            self._ids[key] = user.id
        return self._ids[key]

    async def _trusts(self, repo: RepoRef, user: User | None) -> bool:
        return user is not None and bool(user.id) and await self._trust.may_write(repo, str(user.id))

    async def _ask_permission(self, repo: RepoRef, user: str) -> bool:
        """Members of the groups above and of invited groups included."""
        member = await self._api.get(_Member, project(repo, f"/members/all/{user}"))
        return member.access_level >= _DEVELOPER and member.state == "active"

    async def _comments_of(self, repo: RepoRef, notes: Iterable[NoteAnswer]) -> tuple[Comment, ...]:
        return tuple([note.comment(trusted=await self._trusts(repo, note.author)) for note in notes])
