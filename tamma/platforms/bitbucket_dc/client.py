"""One account's connection to a Bitbucket Data Center (or Server)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from urllib.parse import unquote

from pydantic import BaseModel

from tamma.errors import BadCredentials, Transient, Unsupported
from tamma.model.repository import Identity, RepoRef
from tamma.platforms.bitbucket_dc.errors import dialect
from tamma.platforms.bitbucket_dc.models import Properties, User
from tamma.platforms.bitbucket_dc.profile import Profile
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.names import segment
from tamma.platforms.common.trust import Trust
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection
from tamma.platforms.http.credentials import HeaderCredentials, basic, bearer
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)

PAGE_SIZE = 100
"""Items of a page; the server gives fewer where its administrator says so (page.max.*)."""
_PROPERTIES = "/api/latest/application-properties"
_API = ("/rest/api/latest", "/rest/api/1.0", "/rest")


class BitbucketAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        root = base_url(settings)
        for path in _API:
            root = root.removesuffix(path)
        self._root = root
        self._profile: Profile | None = None
        self._who: str | None = None
        self._trust = Trust(self._may_write)

    def _connect(self) -> Connection:
        settings, url = self._settings, f"{self._root}/rest"
        show = basic(settings.username) if settings.auth == "basic" else bearer
        transport = HttpTransport(settings, url, HeaderCredentials(self._tokens, show))
        return Connection(settings, url, transport, dialect())

    # --- the server and who we are -------------------------------------------------------------------

    async def check_credentials(self) -> Identity:
        return Identity(await self._ask())

    async def _server(self) -> Profile:
        """What the server can do; it is asked once."""
        if self._profile is None:
            await self._ask(anonymous=True)
        return cast("Profile", self._profile)

    async def _login(self) -> str:
        """Who we are, as the server calls it; asked once."""
        if self._who is None:
            self._who = await self._ask()
        return self._who

    async def _ask(self, *, anonymous: bool = False) -> str:
        """Everybody may ask for the version, and every answer names who asked in a header of its own."""
        request = Request("GET", _PROPERTIES)
        response = await self._api.call(request)
        said = self._api.parse(Properties, self._api.json(request, response), _PROPERTIES)
        self._profile = Profile(said.version)
        who = unquote(response.headers.get("x-ausername", ""))
        if not who and not anonymous:
            raise BadCredentials(
                "Bitbucket took the request for one without credentials",
                hint=self._api.dialect.token_hint,
                platform=self._settings.id,
            )
        return who

    async def _needs(self, capability: str) -> None:
        """Raises Unsupported where the server is too old."""
        server = await self._server()
        if not server.has(capability):
            raise Unsupported(capability, platform=self._settings.type, hint=server.lack(capability))

    # --- people --------------------------------------------------------------------------------------

    async def _may_write(self, repo: RepoRef, author: str) -> bool:
        """By all ways: his own permission, a group's, the project's. Everybody who is signed in may ask."""
        wanted = {
            "permission.1": "REPO_WRITE",
            "permission.1.projectKey": repo.owner,
            "permission.1.repositorySlug": repo.name,
        }
        return await self._user(author, wanted) is not None

    async def _user(self, name: str, more: Mapping[str, str] | None = None) -> User | None:
        """The account of that name; the filter finds all that contain it."""
        query = {"filter": name, **(more or {})}
        found = await self._all(User, "/api/latest/users", query)
        return next((user for user in found if user.is_called(name)), None)

    # --- lists and errors ----------------------------------------------------------------------------

    async def _all(self, model: type[M], path: str, query: Mapping[str, str] | None = None) -> list[M]:
        asked = {"limit": str(PAGE_SIZE), **(query or {})}
        return await self._api.every(model, path, asked, pages, "values")

    def _behind(self, number: str | int) -> Transient:
        """A push becomes part of a pull request a moment after the branch has moved."""
        return Transient(
            f"#{number} does not show the last push to its branch yet",
            hint="Bitbucket takes it in in a moment; it is tried again",
            platform=self._settings.id,
        )

    def _overtaken(self, what: str) -> Transient:
        """Its version is another one than we read."""
        return Transient(
            f"{what} changed in this moment",
            hint="it is read again and tried again",
            platform=self._settings.id,
            status=409,
        )


def pages(request: Request, response: Response, body: Any) -> Query | None:
    """The pager: `isLastPage`, `nextPageStart`. The next page need not begin where this one's items end."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    following = fields.get("nextPageStart")
    if fields.get("isLastPage", True) or following is None:
        return None
    return {**request.query, "start": str(following)}


def repo_path(repo: RepoRef, rest: str = "", api: str = "api") -> str:
    """`/api/latest/projects/{key}/repos/{slug}` and what follows; `~name` is a person's project."""
    key = segment(repo.owner)
    return f"/{api}/latest/projects/{key}/repos/{segment(repo.name)}{rest}"
