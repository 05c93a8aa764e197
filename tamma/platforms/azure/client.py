"""One account's connection to Azure DevOps: addresses, versions, pages, and who we are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from tamma.errors import BadCredentials, ConfigError, NotFound
from tamma.model.repository import Identity as Owner
from tamma.model.repository import RepoRef
from tamma.platforms.azure.address import (
    SERVICES,
    Place,
    collection_of,
    identities_of,
    place_of,
)
from tamma.platforms.azure.errors import SIGN_IN, dialect
from tamma.platforms.azure.models import ConnectionData, Identity
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, Pager
from tamma.platforms.http.credentials import HeaderCredentials, basic, bearer
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)

API_VERSION = "7.1"
PAGE = 100


class AzureAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._url = base_url(settings, SERVICES)
        self._api_version = str(settings.options.get("apiVersion", API_VERSION))
        self._us: dict[str, ConnectionData] = {}

    def _connect(self) -> Connection:
        show = _bearer if self._settings.auth == "oauth" else _basic
        transport = HttpTransport(self._settings, self._url, HeaderCredentials(self._tokens, show))
        return Connection(self._settings, self._url, transport, dialect())

    # --- calls ---------------------------------------------------------------------------------------

    def _query(self, query: Query | None = None, preview: int | None = None) -> Query:
        """With the version that every call names; `preview` is that of an area that is not released."""
        version = self._api_version if preview is None else f"{self._api_version}-preview.{preview}"
        return {**(query or {}), "api-version": version}

    async def _get(
        self, model: type[M], path: str, query: Query | None = None, *, preview: int | None = None
    ) -> M:
        return await self._api.get(model, path, self._query(query, preview))

    async def _send(
        self, model: type[M], method: str, path: str, body: object, query: Query | None = None
    ) -> M:
        return await self._api.send(model, method, path, body, self._query(query))

    async def _do(self, method: str, path: str, body: object = None) -> Response:
        return await self._api.do(method, path, body, self._query())

    async def _all(self, model: type[M], path: str, query: Query | None = None) -> list[M]:
        """A list that comes whole, or in pages by `x-ms-continuationtoken`."""
        return await self._api.every(model, path, self._query(query), continued, "value")

    # --- where and who ---------------------------------------------------------------------------------

    def _place(self, repo: RepoRef) -> Place:
        return place_of(self._url, repo)

    def _in_repository(self, repo: RepoRef, rest: str = "") -> str:
        return self._place(repo).in_repository + rest

    def _in_project(self, repo: RepoRef, rest: str = "") -> str:
        return self._place(repo).in_project + rest

    async def check_credentials(self) -> Owner:
        """The token's user. A token belongs to one organization: the one of the base address or of the
        option `organization`, else the one that was used last. Raises BadCredentials, ConfigError."""
        organization = self._settings.options.get("organization")
        collection = collection_of(self._url, str(organization or ""))
        if collection is None:
            collection = next(iter(self._us), None)
        if collection is None:
            raise ConfigError(
                f"platform {self._settings.id!r}: the token cannot be checked without an organization",
                hint='write "baseUrl": "https://dev.azure.com/ORGANIZATION"',
            )
        self._us.pop(collection, None)
        return Owner((await self._connection_data(collection)).authenticated_user.login)

    async def _me(self, repo: RepoRef) -> ConnectionData:
        return await self._connection_data(self._place(repo).collection)

    async def _connection_data(self, collection: str) -> ConnectionData:
        found = self._us.get(collection)
        if found is None:
            found = await self._get(ConnectionData, f"{collection}/_apis/connectionData", preview=1)
            if found.anonymous:
                raise BadCredentials(
                    "Azure DevOps does not know who we are",
                    hint=SIGN_IN if self._settings.token else f"no token is configured: {SIGN_IN}",
                    platform=self._settings.id,
                )
            self._us[collection] = found
        return found

    async def _is_us(self, repo: RepoRef, identity: str) -> bool:
        """By the identity's id: names can be changed, and shown names chosen."""
        return bool(identity) and identity == (await self._me(repo)).authenticated_user.id

    async def _identity(self, repo: RepoRef, login: str) -> Identity:
        """Somebody by login, address or id. Raises NotFound."""
        query = {"searchFilter": "General", "filterValue": login, "queryMembership": "None"}
        found = [who for who in await self._identities(repo, query) if login.lower() in who.names()]
        if not found:
            raise NotFound(
                f"Azure DevOps knows nobody called {login!r}",
                hint="use the sign-in address (user@example.com), or DOMAIN\\user on a server",
                platform=self._settings.id,
            )
        return next((who for who in found if who.is_active), found[0])

    async def _identities(self, repo: RepoRef, query: Query) -> list[Identity]:
        where = identities_of(self._url, self._place(repo).collection)
        return await self._all(Identity, f"{where}/_apis/identities", query)


def continued(request: Request, response: Response, body: Any) -> Query | None:
    """The pager of lists with `x-ms-continuationtoken`."""
    token = response.headers.get("x-ms-continuationtoken")
    return {**request.query, "continuationToken": token} if token else None


def skipping(items: str = "value", skip: str = "$skip", top: str = "$top") -> Pager:
    """The pager of lists with `$skip` and `$top`: a page that is not full is the last."""

    def following(request: Request, response: Response, body: Any) -> Query | None:
        size, done = (str(request.query.get(name, "0")) for name in (top, skip))
        if not (size.isdecimal() and done.isdecimal()):
            return None
        found: object = cast("dict[str, object]", body).get(items) if isinstance(body, dict) else None
        count = len(cast("list[object]", found)) if isinstance(found, list) else 0
        if not count or count < int(size):
            return None
        return {**request.query, skip: str(int(done) + count)}

    return following


# Without this header a page to sign in is sent in place of the status 401 to what looks like a browser.
_NO_PAGE = {"x-tfs-fedauthredirect": "Suppress"}


def _basic(token: str) -> Mapping[str, str]:
    return {**basic("")(token), **_NO_PAGE}


def _bearer(token: str) -> Mapping[str, str]:
    return {**bearer(token), **_NO_PAGE}
