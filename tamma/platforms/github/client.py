"""One account's connection to GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from tamma.errors import BadCredentials, NotFound, PlatformError, StaleHead
from tamma.model.repository import RepoRef
from tamma.platforms.github.apps import AppTokens
from tamma.platforms.github.errors import dialect
from tamma.platforms.http.address import base_url
from tamma.platforms.http.connection import Connection, link_header
from tamma.platforms.http.credentials import HeaderCredentials, bearer, token_source
from tamma.platforms.http.messages import Request
from tamma.platforms.http.transport import HttpTransport
from tamma.platforms.interface import PlatformSettings, TokenSource

M = TypeVar("M", bound=BaseModel)

API = "https://api.github.com"
API_VERSION = "2022-11-28"
_PUBLIC = ("api.github.com", "ghe.com")


class GitHubAccount:
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._url = base_url(settings, API)
        self._tokens: TokenSource = AppTokens(settings, self._url) if settings.app else token_source(settings)
        self._made: Connection | None = None

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        _ = self._api

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
        if isinstance(self._tokens, AppTokens):
            await self._tokens.close()

    @property
    def _api(self) -> Connection:
        if self._made is None:
            credentials = HeaderCredentials(self._tokens, _headers)
            transport = HttpTransport(self._settings, self._url, credentials)
            host = urlsplit(self._url).hostname or ""
            public = any(host == name or host.endswith(f".{name}") for name in _PUBLIC)
            self._made = Connection(self._settings, self._url, transport, dialect(public=public))
        return self._made

    async def _all(
        self, model: type[M], path: str, query: Mapping[str, str] | None = None, key: str | None = None
    ) -> list[M]:
        return await self._api.every(model, path, {"per_page": "100", **(query or {})}, link_header, key)

    async def _graphql(self, query: str, **variables: object) -> Mapping[str, Any]:
        """The data of a GraphQL query or mutation. Raises PlatformError with the reasons it gives."""
        end = "/api/graphql" if self._url.endswith("/api/v3") else "/graphql"
        request = Request(
            "POST",
            self._url.removesuffix("/api/v3") + end,
            json={"query": query, "variables": variables},
            reads=query.lstrip().startswith("query"),
        )
        answer = self._api.json(request, await self._api.call(request))
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            what = "; ".join(str(error.get("message", error)) for error in errors)
            kinds = {error.get("type") for error in errors}
            message = f"GitHub refused {query.split('(')[0].strip()}: {self._api.clean(what)}"
            if "NOT_FOUND" in kinds:
                raise NotFound(message, platform=self._settings.id)
            if "UNAUTHENTICATED" in kinds:
                raise BadCredentials(message, platform=self._settings.id)
            raise PlatformError(message, platform=self._settings.id, status=422)
        return answer["data"]

    def _stale(self, what: str, now: str, expected: str) -> StaleHead:
        return StaleHead(
            f"{what} is at {now[:12]}, not at {expected[:12]}: somebody pushed meanwhile",
            platform=self._settings.id,
        )


def repo_path(repo: RepoRef, rest: str = "") -> str:
    """`/repos/{owner}/{repo}` and what follows."""
    return f"/repos/{quote(repo.owner, safe='')}/{quote(repo.name, safe='')}{rest}"


def quoted(name: str) -> str:
    """A branch or a path in a URL: slashes stay, all else that has a meaning there is escaped."""
    return quote(name, safe="/")


def _headers(token: str) -> Mapping[str, str]:
    return {**bearer(token), "x-github-api-version": API_VERSION}
