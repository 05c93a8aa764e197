"""One account's connection to GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from tamma.model.repository import RepoRef
from tamma.platforms.common.account import HttpAccount
from tamma.platforms.common.names import segment
from tamma.platforms.github.apps import AppTokens
from tamma.platforms.github.errors import dialect
from tamma.platforms.github.graphql import GraphqlError, refusal
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, link_header
from tamma.platforms.http.credentials import HeaderCredentials, bearer
from tamma.platforms.http.messages import Request
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings

M = TypeVar("M", bound=BaseModel)

API = "https://api.github.com"
API_VERSION = "2022-11-28"
_PUBLIC = ("api.github.com", "ghe.com")


class _Told(BaseModel):
    data: Any = None
    errors: list[GraphqlError] | None = None


class Done(BaseModel):
    """The data of a mutation that nobody reads."""


class GitHubAccount(HttpAccount):
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        url = base_url(settings, API)
        super().__init__(settings, AppTokens(settings, url) if settings.app else None)
        self._url = url

    def _connect(self) -> Connection:
        transport = HttpTransport(self._settings, self._url, HeaderCredentials(self._tokens, _headers))
        host = urlsplit(self._url).hostname or ""
        public = any(host == name or host.endswith(f".{name}") for name in _PUBLIC)
        return Connection(self._settings, self._url, transport, dialect(public=public))

    async def _all(
        self, model: type[M], path: str, query: Mapping[str, str] | None = None, key: str | None = None
    ) -> list[M]:
        return await self._api.every(model, path, {"per_page": "100", **(query or {})}, link_header, key)

    async def _graphql(self, model: type[M], query: str, **variables: object) -> M:
        """The data of a GraphQL query or mutation. Raises what `refusal` makes of its errors."""
        end = "/api/graphql" if self._url.endswith("/api/v3") else "/graphql"
        address = self._url.removesuffix("/api/v3") + end
        reads = query.lstrip().startswith("query")
        request = Request("POST", address, json={"query": query, "variables": variables}, reads=reads)
        response = await self._api.call(request)
        told = self._api.parse(_Told, self._api.json(request, response), "/graphql")
        if told.errors:
            verb = query.split("{", 2)[1].split("(")[0].strip()
            errors = [GraphqlError(message=self._api.clean(e.message), type=e.type) for e in told.errors]
            raise refusal(verb, errors, response.headers, self._settings.id)
        return self._api.parse(model, told.data, "/graphql")


def repo_path(repo: RepoRef, rest: str = "") -> str:
    """`/repos/{owner}/{repo}` and what follows."""
    return f"/repos/{segment(repo.owner)}/{segment(repo.name)}{rest}"


def _headers(token: str) -> Mapping[str, str]:
    return {**bearer(token), "x-github-api-version": API_VERSION}
