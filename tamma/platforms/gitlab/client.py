"""One account's connection to GitLab, and what the parts of the adapter share."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from tamma.errors import Conflict, NotFound
from tamma.model.repository import RepoRef
from tamma.platforms.gitlab.errors import GITLAB
from tamma.platforms.gitlab.transport import PythonGitLab
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, link_header
from tamma.platforms.http.credentials import token_source
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.interface import PlatformSettings

T = TypeVar("T")
DEFAULT_URL = "https://gitlab.com"
API = "/api/v4"
_MOVED = 405
_PROJECT = re.compile(r"(/projects/[^/]+)(/.+)")
_COMMAND = re.compile(r"^(\r*)(?=/[A-Za-z_]+\s*(?:[ \t].*)?$)", re.MULTILINE)


class _Numbered(BaseModel):
    id: int


class GitLabAccount:
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._base = base_url(settings, DEFAULT_URL).removesuffix(API)
        self._source = token_source(settings)
        self._made: Connection | None = None

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    @property
    def _api(self) -> Connection:
        """Made when it is first needed; makes no call."""
        if self._made is None:
            oauth = self._settings.auth == "oauth"
            transport = PythonGitLab(self._settings, self._base, self._source, oauth=oauth)
            self._made = MovedProjects(self._settings, self._base + API, transport, GITLAB)
        return self._made

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        _ = self._api

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


class MovedProjects(Connection):
    """GitLab redirects reads of a project that was renamed, and answers its writes with 405: those go to
    where reading it leads. GitLab did nothing: this is following, not trying again."""

    async def call(self, request: Request) -> Response:
        try:
            return await super().call(request)
        except NotFound as error:
            if error.status != _MOVED or not (parts := _PROJECT.match(request.path)):
                raise
            there = (await self.get(_Numbered, parts[1])).id
            return await super().call(replace(request, path=f"/projects/{there}{parts[2]}"))


def next_page(request: Request, response: Response, body: Any) -> Query | None:
    """The pager of GitLab's lists: the `Link` header, which also knows keyset pages, else `X-Next-Page`.

    Totals are no help: they are left out of lists of more than 10,000 items.
    """
    following = link_header(request, response, body)
    if following is not None:
        return following
    page = response.headers.get("x-next-page", "")
    return {**request.query, "page": page} if page else None


async def find_or_make(
    find: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]
) -> tuple[T, bool]:
    """What `find` finds, else what `make` makes, and whether it was made.

    Found again where making it met what is there already; what was made by a lost call, the next one finds.
    """
    there = await find()
    if there is not None:
        return there, False
    try:
        return await make(), True
    except Conflict:
        there = await find()
        if there is None:
            raise
        return there, False


def project(repo: RepoRef, rest: str = "") -> str:
    """`/projects/{group%2Fproject}` and what follows."""
    return f"/projects/{quoted(repo.full_name)}{rest}"


def quoted(name: str) -> str:
    """A path, a branch or a label in a URL: slashes too are escaped."""
    return quote(name, safe="")


def iid(number: str) -> str:
    """The number in a URL. Raises NotFound for anything that is none."""
    if not (number.isascii() and number.isdigit()):
        raise NotFound(
            f"{number!r} is not a number of an issue or merge request", hint="e.g. group/project#12"
        )
    return number


def item(repo: RepoRef, kind: str, number: str, rest: str = "") -> str:
    """An issue or a merge request and what follows. Raises NotFound for what is no number."""
    what = "issues" if kind == "issue" else "merge_requests"
    return project(repo, f"/{what}/{iid(number)}{rest}")


def without_commands(text: str) -> str:
    """`text`, its lines such as `/merge` or `/close` made harmless.

    GitLab carries out quick actions (docs.gitlab.com/user/project/quick_actions) in what our account writes,
    and that may quote a stranger. It drops carriage returns before it looks.
    """
    return _COMMAND.sub(r"\1\\", text)
