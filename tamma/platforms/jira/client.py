"""One account's connection to a Jira: Cloud (REST 3, documents) or Data Center (REST 2, wiki text)."""

from __future__ import annotations

import re
from typing import Any, Literal

from tamma.errors import BadCredentials, ConfigError, NotFound
from tamma.model.repository import Identity, RepoRef
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.trust import Trust, trusted_authors
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection
from tamma.platforms.http.credentials import HeaderCredentials, basic, bearer
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.jira.adf import from_adf, to_adf
from tamma.platforms.jira.errors import dialect
from tamma.platforms.jira.models import ServerInfo, User
from tamma.platforms.jira.wiki import from_wiki, to_wiki

Deployment = Literal["cloud", "dc"]
PAGE_SIZE = 100
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]+-[1-9][0-9]{0,9}")


class JiraAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._root = base_url(settings)
        self._deployment = _given(settings)
        self._info: ServerInfo | None = None
        self._who: User | None = None
        self._trust = Trust(self._may_edit)

    def _connect(self) -> Connection:
        settings, url = self._settings, f"{self._root}/rest/api"
        show = basic(settings.username) if settings.auth == "basic" else bearer
        transport = HttpTransport(settings, url, HeaderCredentials(self._tokens, show))
        return Connection(settings, url, transport, dialect())

    # --- the server ----------------------------------------------------------------------------------

    async def _server(self) -> ServerInfo:
        """What the server says of itself; it is asked once, and tells everybody."""
        if self._info is None:
            self._info = await self._api.get(ServerInfo, "/2/serverInfo")
        return self._info

    async def _is_cloud(self) -> bool:
        if self._deployment is None:
            said = (await self._server()).deployment
            self._deployment = "cloud" if said.lower() == "cloud" else "dc"
        return self._deployment == "cloud"

    async def _path(self, rest: str) -> str:
        """Of an operation, in the version that the server has."""
        return f"/{3 if await self._is_cloud() else 2}{rest}"

    async def _written(self, text: str) -> object:
        """Markdown as the server takes it."""
        return to_adf(text) if await self._is_cloud() else to_wiki(text)

    async def _read(self, body: object) -> str:
        """What the server has, as Markdown. A text where a document is meant is one all the same."""
        if isinstance(body, str):
            return body if await self._is_cloud() else from_wiki(body)
        return from_adf(body)

    async def _url(self, key: str) -> str:
        """Where people look at it: an API that is reached through api.atlassian.com is elsewhere."""
        return f"{(await self._server()).base_url.rstrip('/') or self._root}/browse/{key}"

    # --- people --------------------------------------------------------------------------------------

    async def check_credentials(self) -> Identity:
        return Identity((await self._ask_who()).login)

    async def _me(self) -> User:
        if self._who is None:
            self._who = await self._ask_who()
        return self._who

    async def _ask_who(self) -> User:
        who = await self._api.get(User, await self._path("/myself"))
        if not who.login:
            raise BadCredentials(
                "Jira took the request for one without credentials",
                hint=self._api.dialect.token_hint,
                platform=self._settings.id,
            )
        return who

    async def _may_edit(self, project: RepoRef, author: str) -> bool:
        """Whether that account may edit issues of the project. Only an administrator of it may ask that."""
        who = {"accountId" if await self._is_cloud() else "username": author, "maxResults": str(PAGE_SIZE)}
        query = {**who, "projectKey": key_of(project), "permissions": "EDIT_ISSUES"}
        found, _ = await self._api.page(User, await self._path("/user/permission/search"), query, whole)
        return any(user.login == author for user in found)

    async def _trusts(self, project: RepoRef, author: str) -> bool:
        """Where we may not ask, those are trusted who are named in the option `trustedAuthors`."""
        if not author:
            return False
        if author in trusted_authors(self._settings) or author == (await self._me()).login:
            return True
        return await self._trust.may_write(project, author)


def _given(settings: PlatformSettings) -> Deployment | None:
    """What the options say; None: ask the server. Raises ConfigError."""
    value = settings.options.get("deployment")
    if value in (None, "cloud", "dc"):
        return value
    raise ConfigError(
        f"platform {settings.id!r}: there is no deployment {value!r}", hint='"cloud" or "dc", or leave it out'
    )


def whole(request: Request, response: Response, body: Any) -> Query | None:
    """The pager of lists that come whole."""
    return None


def key_of(project: RepoRef) -> str:
    """A project's key: upper case, however it is written."""
    return project.name.upper()


def issue_key(number: str) -> str:
    """The key in a URL. Raises NotFound for anything that is none."""
    if not _KEY.fullmatch(number):
        raise NotFound(f"{number!r} is not a key of an issue", hint="e.g. SHOP-12")
    return number.upper()
