"""One account's connection to Bitbucket Cloud."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound
from tamma.model.repository import Identity, RepoRef
from tamma.platforms.bitbucket_cloud.errors import DIALECT
from tamma.platforms.bitbucket_cloud.models import CommitAnswer, Permission, User
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.names import segment
from tamma.platforms.common.trust import Trust, trusted_authors
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, query_of
from tamma.platforms.http.credentials import HeaderCredentials, basic, bearer
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)

API = "https://api.bitbucket.org/2.0"
PAGE_SIZE = 100
"""Items of a page: the most that most lists give."""
_REMEMBERED = 10_000
_APP = "app_user"
_SHA = re.compile(r"[0-9a-f]{40}")


class BitbucketAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._url = _api_of(base_url(settings, API))
        self._myself: User | None = None
        self._trust = Trust(self._ask_permission)
        self._hashes: dict[tuple[str, str], str] = {}
        """Commits of repositories by the beginnings of their ids."""

    @property
    def _with_username(self) -> bool:
        """API tokens are passwords of their account's e-mail address; all other tokens stand alone."""
        return bool(self._settings.username) and self._settings.auth != "oauth"

    @property
    def _is_somebody(self) -> bool:
        """Whether the credentials are a person's, and not an access token's."""
        return bool(self._settings.username) or self._settings.auth == "oauth"

    def _connect(self) -> Connection:
        show = basic(self._settings.username) if self._with_username else bearer
        transport = HttpTransport(self._settings, self._url, HeaderCredentials(self._tokens, show))
        return Connection(self._settings, self._url, transport, DIALECT)

    async def _all(self, model: type[M], path: str, query: Mapping[str, str] | None = None) -> list[M]:
        return await self._api.every(
            model, path, {"pagelen": str(PAGE_SIZE), **(query or {})}, pages, "values"
        )

    # --- who -----------------------------------------------------------------------------------------

    async def check_credentials(self) -> Identity:
        """Access tokens of repositories, projects and workspaces are nobody's: they have no login."""
        request = Request("GET", "/user")
        try:
            response = await self._api.call(request)
        except Forbidden:
            if self._is_somebody:
                raise
            return Identity("")
        user = self._api.parse(User, self._api.json(request, response), "/user")
        scopes = response.headers.get("x-oauth-scopes", "")
        return Identity(user.login, tuple(scope.strip() for scope in scopes.split(",") if scope.strip()))

    async def _me(self) -> User:
        """Whose the credentials are; with no uuid where they are an access token's."""
        if self._myself is None:
            try:
                self._myself = await self._api.get(User, "/user")
            except Forbidden:
                if self._is_somebody:
                    raise  # the scope is missing, and what is ours could not be told
                self._myself = User(type=_APP)
        return self._myself

    async def _is_us(self, user: User | None) -> bool:
        """An access token may not ask who it is. What it writes is by an `app_user`, which nobody becomes
        without an administrator of the workspace: one stands for the other."""
        if user is None:
            return False
        me = await self._me()
        return user.uuid == me.uuid if me.uuid else user.type == _APP

    async def _trusts(self, repo: RepoRef, user: User | None) -> bool:
        """Whether somebody may write. Only an administrator's token may ask; with another one those are
        trusted who are named in the option `trustedAuthors`, by uuid or account id."""
        if user is None or not user.uuid:
            return False
        if await self._is_us(user):
            return True
        if {user.uuid, user.account_id or user.uuid} & trusted_authors(self._settings):
            return True
        return await self._trust.may_write(repo, user.uuid)

    async def _ask_permission(self, repo: RepoRef, uuid: str) -> bool:
        """The highest of their permissions, whether their own or a group's."""
        workspace, name = segment(repo.owner), segment(repo.name)
        path = f"/workspaces/{workspace}/permissions/repositories/{name}"
        query = {"q": f"user.uuid={bbql(uuid)}", "pagelen": "10"}
        found, _ = await self._api.page(Permission, path, query, pages, "values")
        held = [each.permission for each in found if each.user is not None and each.user.uuid == uuid]
        return any(permission in ("write", "admin") for permission in held)

    # --- commits -------------------------------------------------------------------------------------

    async def _whole(self, repo: RepoRef, sha: str) -> str:
        """The whole id of a commit whose beginning is known; the beginning where there is none such."""
        if not sha or _SHA.fullmatch(sha):
            return sha
        key = (repo.full_name, sha)
        if key not in self._hashes:
            try:
                found = await self._api.get(CommitAnswer, repo_path(repo, f"/commit/{segment(sha)}"))
            except NotFound:
                return sha
            self._hashes[key] = found.hash
            while len(self._hashes) > _REMEMBERED:
                del self._hashes[next(iter(self._hashes))]
        return self._hashes[key]

    async def _look_up(self, repo: RepoRef, shas: Iterable[str]) -> None:
        """Complete them all now, at the same time and each once."""
        await asyncio.gather(*(self._whole(repo, sha) for sha in set(shas)))

    def _web(self, repo: RepoRef, rest: str) -> str:
        """An address for people."""
        parts = urlsplit(self._url)
        host = f"{parts.scheme}://{parts.netloc}".replace("//api.", "//", 1)
        return f"{host}/{segment(repo.owner)}/{segment(repo.name)}{rest}"


def _api_of(url: str) -> str:
    """The website's address stands for the API's."""
    return API if urlsplit(url).hostname in ("bitbucket.org", "api.bitbucket.org") else url


def pages(request: Request, response: Response, body: Any) -> Query | None:
    """The pager: the query of `next`. Its host and path are never followed, so that nobody is sent away.

    Lists of pipelines have no `next`, but the number of the page and of all items.
    """
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    following = fields.get("next")
    if isinstance(following, str) and following:
        return query_of(following)
    page, size, total = fields.get("page"), fields.get("pagelen"), fields.get("size")
    if not (isinstance(page, int) and isinstance(size, int) and isinstance(total, int)):
        return None
    if not fields.get("values") or page * size >= total:
        return None
    return {**request.query, "page": str(page + 1)}


def repo_path(repo: RepoRef, rest: str = "") -> str:
    """`/repositories/{workspace}/{repo_slug}` and what follows."""
    return f"/repositories/{segment(repo.owner)}/{segment(repo.name)}{rest}"


def bbql(text: str) -> str:
    """A text in a filter (`q=`)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
