"""One account's connection to a Gitea or Forgejo server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound, Unsupported
from tamma.model.repository import RepoRef
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.names import segment
from tamma.platforms.gitea.errors import dialect
from tamma.platforms.gitea.profile import Kind, Profile, profile_of
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, query_of
from tamma.platforms.http.credentials import HeaderCredentials, token_scheme
from tamma.platforms.http.messages import Query, Request, Response, links
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)

PAGE_SIZE = 50
"""Items of a page: the most that servers give unless an administrator allows more (MAX_RESPONSE_ITEMS)."""
PUBLIC = frozenset({"codeberg.org", "gitea.com"})
"""Accounts whose id says where they are."""
_API = "/api/v1"


class _Version(BaseModel):
    version: str = ""


class GiteaAccount(HttpAccount):
    """What the parts of the adapter share."""

    KIND: Kind = "gitea"

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        public = f"https://{settings.id}" if settings.id in PUBLIC else None
        self._root = base_url(settings, public).removesuffix(_API)
        self._profile: Profile | None = None

    @property
    def _name(self) -> str:
        """Of the service, for messages."""
        return "Forgejo" if self.KIND == "forgejo" else "Gitea"

    def _connect(self) -> Connection:
        url = self._root + _API
        transport = HttpTransport(self._settings, url, HeaderCredentials(self._tokens, token_scheme))
        return Connection(self._settings, url, transport, dialect(self._name))

    async def _server(self) -> Profile:
        """What the server can do; it is asked once."""
        if self._profile is None:
            self._profile = profile_of(self.KIND, await self._ask_version())
        return self._profile

    async def _ask_version(self) -> str:
        """In the server's words; empty where it tells its version to nobody."""
        try:
            said = (await self._api.get(_Version, "/version")).version
            if self.KIND == "forgejo" and "+gitea-" not in said:
                # Forgejo before 7 named the Gitea that it was built on here, and itself there.
                address = f"{self._root}/api/forgejo/v1/version"
                return (await self._api.get(_Version, address)).version or said
        except (NotFound, Forbidden):
            return ""
        return said

    async def _needs(self, capability: str) -> Profile:
        """The server's profile. Raises Unsupported where it is too old."""
        server = await self._server()
        if not server.has(capability):
            raise Unsupported(capability, platform=self._settings.type, hint=server.lack(capability))
        return server

    async def _all(
        self, model: type[M], path: str, query: Mapping[str, str] | None = None, key: str | None = None
    ) -> list[M]:
        return await self._api.every(model, path, {"limit": str(PAGE_SIZE), **(query or {})}, pages, key)

    async def _list(self, model: type[M], path: str) -> list[M]:
        """A list that comes whole, without pages."""
        return await self._api.every(model, path, {}, _whole)


def pages(request: Request, response: Response, body: Any) -> Query | None:
    """The pager: by the `Link` header, else by numbers, where a list has only its total (reviews, runs).

    A server may give fewer items a page than were asked for: how many is seen on the first page that is not
    the last, and asked for from then on.
    """
    following = links(response).get("next")
    if following is not None:
        return query_of(following)
    items = _items(body)
    total = total_of(response, body)
    page = count_of(request.query.get("page"), 1)
    limit = count_of(request.query.get("limit"), PAGE_SIZE)
    if not items or total is None or "link" in response.headers:
        return None
    size = items if page == 1 else limit
    if (page - 1) * size + items >= total:
        return None
    return {**request.query, "page": str(page + 1), "limit": str(size)}


def total_of(response: Response, body: Any) -> int | None:
    """How many items the whole list has, where the answer says so."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    given = count_of(response.headers.get("x-total-count", fields.get("total_count")), -1)
    return given if given >= 0 else None


def count_of(value: object, otherwise: int) -> int:
    """The number in an address or a header, which others write."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else otherwise


def _items(body: Any) -> int:
    """How many there are on this page, wrapped (`{"total_count": …, "workflow_runs": […]}`) or not."""
    inside = cast("dict[str, Any]", body).values() if isinstance(body, dict) else (body,)
    return max((len(cast("list[Any]", value)) for value in inside if isinstance(value, list)), default=0)


def _whole(request: Request, response: Response, body: Any) -> Query | None:
    return None


def repo_path(repo: RepoRef, rest: str = "") -> str:
    """`/repos/{owner}/{repo}` and what follows."""
    return f"/repos/{segment(repo.owner)}/{segment(repo.name)}{rest}"
