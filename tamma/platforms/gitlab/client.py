"""One account's connection to GitLab, and what the parts of the adapter share."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from tamma.errors import NotFound
from tamma.model.repository import RepoRef
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.gitlab.errors import GITLAB
from tamma.platforms.gitlab.transport import PythonGitLab
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, link_header
from tamma.platforms.http.messages import Query, Request, Response
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)
DEFAULT_URL = "https://gitlab.com"
API = "/api/v4"
_MOVED = 405
_PROJECT = re.compile(r"(/projects/[^/]+)(/.+)")
_COMMAND = re.compile(r"^(\r*)(?=/[A-Za-z_]+\s*(?:[ \t].*)?$)", re.MULTILINE)


class _Numbered(BaseModel):
    id: int


class GitLabAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._root = base_url(settings, DEFAULT_URL).removesuffix(API)

    def _connect(self) -> Connection:
        oauth = self._settings.auth == "oauth"
        transport = PythonGitLab(self._settings, self._root, self._tokens, oauth=oauth)
        return MovedProjects(self._settings, self._root + API, transport, GITLAB)

    async def _all(self, model: type[M], path: str) -> list[M]:
        return await self._api.every(model, path, {"per_page": "100"}, next_page)


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


def project(repo: RepoRef, rest: str = "") -> str:
    """`/projects/{group%2Fproject}` and what follows."""
    return f"/projects/{segment(repo.full_name)}{rest}"


def item(repo: RepoRef, kind: str, number: str, rest: str = "") -> str:
    """An issue or a merge request and what follows. Raises NotFound for what is no number."""
    what = "issues" if kind == "issue" else "merge_requests"
    known = number_of(number, "an issue or merge request", "e.g. group/project#12")
    return project(repo, f"/{what}/{known}{rest}")


def without_commands(text: str) -> str:
    """`text`, its lines such as `/merge` or `/close` made harmless.

    GitLab carries out quick actions (docs.gitlab.com/user/project/quick_actions) in what our account writes,
    and that may quote a stranger. It drops carriage returns before it looks.
    """
    return _COMMAND.sub(r"\1\\", text)
