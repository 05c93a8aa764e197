"""One account's connection to GitHub: requests, pages and errors. No retries, no sleeping, no caching."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import BaseModel, ValidationError

from tamma.errors import PlatformError, Transient
from tamma.model.repository import RepoRef
from tamma.platforms.github.errors import Answer, error_for
from tamma.platforms.interface import PlatformSettings

if TYPE_CHECKING:
    import httpx
    from githubkit.response import Response

M = TypeVar("M", bound=BaseModel)


class _Client(Protocol):
    """What we use of githubkit: authentication, the base address, and requests that raise."""

    async def arequest(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response[Any, Any]: ...

    async def disconnect(self) -> None: ...


API_VERSION = "2022-11-28"
_PAGE_LIMIT = 100
"""Pages followed at most: 10,000 items."""


class GitHubAccount:
    """What the parts of the adapter share."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._client: _Client | None = None
        self._writing = asyncio.Lock()

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        if self._client is None:
            self._client = _make_client(self._settings)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.disconnect()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """One request. Raises the errors of `error_for`, and Transient where there is no answer."""
        from githubkit.exception import GitHubException, RequestFailed

        await self.start()
        assert self._client is not None
        doing = f"{method} {path}"
        headers = {"X-GitHub-Api-Version": API_VERSION}
        try:
            # GitHub asks for writes one at a time; concurrent ones meet secondary limits.
            if method == "GET":
                done = await self._client.arequest(method, path, params=query, headers=headers)
            else:
                async with self._writing:
                    done = await self._client.arequest(method, path, json=body, headers=headers)
        except RequestFailed as failed:
            raise self._error(doing, failed.response.raw_response) from None
        except GitHubException as failed:
            cause = failed.__cause__
            raise Transient(
                f"no answer from GitHub to {doing}: {type(cause).__name__} ({self._clean(str(cause))})",
                hint="check the network and the platform's baseUrl; it is tried again",
                platform=self._settings.id,
            ) from None
        return done.raw_response

    async def _get(self, model: type[M], path: str, query: Mapping[str, str] | None = None) -> M:
        return self._read(model, await self._call("GET", path, query=query))

    async def _send(self, model: type[M], method: str, path: str, body: Mapping[str, object]) -> M:
        return self._read(model, await self._call(method, path, body=body))

    async def _page(
        self, model: type[M], path: str, query: Mapping[str, str], key: str | None = None
    ) -> tuple[list[M], dict[str, str] | None]:
        """One page of a list (under `key` where the answer wraps it) and the query of the next one."""
        response = await self._call("GET", path, query=query)
        items: object = self._json(response)
        if key and isinstance(items, dict):
            items = cast("dict[str, object]", items).get(key)
        if not isinstance(items, list):
            raise PlatformError(f"GitHub's answer to GET {path} is not a list", platform=self._settings.id)
        parsed = [self._parse(model, item, path) for item in cast("list[object]", items)]
        following = response.links.get("next", {}).get("url")
        return parsed, dict(parse_qsl(urlsplit(following).query)) if following else None

    async def _all(
        self, model: type[M], path: str, query: Mapping[str, str] | None = None, key: str | None = None
    ) -> list[M]:
        """All pages. Raises PlatformError beyond 10,000 items rather than leave some out silently."""
        found: list[M] = []
        following: dict[str, str] | None = {"per_page": "100", **(query or {})}
        for _ in range(_PAGE_LIMIT):
            items, following = await self._page(model, path, following, key)
            found += items
            if following is None:
                return found
        raise PlatformError(f"GET {path} has more than {_PAGE_LIMIT} pages", platform=self._settings.id)

    def _read(self, model: type[M], response: httpx.Response) -> M:
        return self._parse(model, self._json(response), response.request.url.path)

    def _parse(self, model: type[M], value: object, path: str) -> M:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors()[:3])
            raise PlatformError(
                f"GitHub's answer to {path} is not as described ({model.__name__}: {fields})",
                platform=self._settings.id,
            ) from error

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise Transient(
                f"the answer to {response.request.method} {response.request.url.path} is not JSON",
                hint="does baseUrl name GitHub's API (Enterprise: https://HOST/api/v3)?",
                platform=self._settings.id,
            ) from error

    def _error(self, doing: str, response: httpx.Response) -> PlatformError:
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, self._clean(_message(response)), headers, doing)
        return error_for(answer, self._settings.id, has_token=self._settings.token is not None)

    def _clean(self, text: str) -> str:
        """Without the token, should a server or a library repeat it."""
        token = self._settings.token
        return text.replace(token, "***") if token else text


def repo_path(repo: RepoRef, rest: str = "") -> str:
    """`/repos/{owner}/{repo}` and what follows."""
    return f"/repos/{quote(repo.owner, safe='')}/{quote(repo.name, safe='')}{rest}"


def quoted(name: str) -> str:
    """A branch or a path in a URL: slashes stay, all else that has a meaning there is escaped."""
    return quote(name, safe="/")


def _message(response: httpx.Response) -> str:
    """GitHub's reason, with the messages of its `errors` behind it."""
    try:
        answer = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return " ".join(response.text.split())[:200]
    if not isinstance(answer, dict):
        return ""
    fields = cast("dict[str, Any]", answer)
    reasons = [str(fields.get("message", ""))]
    errors = fields.get("errors")
    for item in cast("list[object]", errors) if isinstance(errors, list) else []:
        if isinstance(item, dict):
            entry = cast("dict[str, Any]", item)
            reasons.append(str(entry.get("message") or f"{entry.get('field', '')} {entry.get('code', '')}"))
        else:
            reasons.append(str(item))
    return "; ".join(reason.strip() for reason in reasons if reason.strip())


def _make_client(settings: PlatformSettings) -> _Client:
    from githubkit import GitHub, TokenAuthStrategy, UnauthAuthStrategy

    class Client(GitHub[Any]):
        """githubkit opens a connection (and a TLS context) per request unless a context variable of the
        calling task holds one; activities are tasks of their own, so one pool is given to all."""

        pool: httpx.AsyncClient | None = None

        @asynccontextmanager
        async def get_async_client(self) -> AsyncGenerator[httpx.AsyncClient, None]:
            if self.pool is None:
                self.pool = await self._create_async_client()
            yield self.pool

        async def disconnect(self) -> None:
            if self.pool is not None:
                await self.pool.aclose()
                self.pool = None

        def _check_rate_limit(self, response: Response[Any, Any]) -> None:
            """Left to `error_for`, which also knows Retry-After as a date and limits without headers."""

    made = Client(
        TokenAuthStrategy(settings.token) if settings.token else UnauthAuthStrategy(),
        base_url=settings.base_url or "https://api.github.com/",
        user_agent="tamma",
        timeout=settings.timeout,
        auto_retry=False,  # it repeats a POST after a 5xx, and it sleeps
        http_cache=False,
    )
    return cast("_Client", made)
