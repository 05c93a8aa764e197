"""One account's connection to its service: turns, limits, redirects, errors, pages, and typed answers.

Nothing is retried but one thing: a request whose credentials were refused (the service did nothing) is sent
again where there are new ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from pydantic import BaseModel, ValidationError

from tamma.errors import NotFound, PlatformError, PlatformRateLimited, Transient
from tamma.model.foreign import mended
from tamma.model.repository import RateLimit
from tamma.platforms.http.errors import Answer, Dialect, error_for
from tamma.platforms.http.etags import Etags
from tamma.platforms.http.limits import clock, rate_limit, retry_after, seconds_left
from tamma.platforms.http.messages import NoAnswer, Query, Request, Response, links
from tamma.platforms.http.redirects import Follower
from tamma.platforms.http.throttle import Throttle, throttle_for
from tamma.platforms.http.transport import Transport
from tamma.platforms.interface import PlatformSettings

_log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)
PAGES = 200
"""Pages followed at most."""

Pager = Callable[[Request, Response, Any], Query | None]
"""The query of the page after this one (its request, answer and parsed body); None on the last."""


class Connection:
    """What the parts of an adapter share. `url` is the API's base address, without a slash at its end."""

    def __init__(self, settings: PlatformSettings, url: str, transport: Transport, dialect: Dialect) -> None:
        self.settings = settings
        self.url = url
        self.dialect = dialect
        self._transport = transport
        self._etags = Etags()
        self._follower = Follower(settings, url, transport)
        self._throttle: Throttle | None = None

    # --- calls ---------------------------------------------------------------------------------------

    async def call(self, request: Request) -> Response:
        """One request. Raises the errors of `error_for`, Transient where there is no answer, and NotFound for
        a name that would lead out of where it stands in the path."""
        self._stays_below(request)
        if request.json is not None:
            request = replace(request, json=mended(request.json))  # models write halves of characters, too
        throttle = self._turns()
        self._go_ahead(throttle, request)
        breaker, trial = throttle.breaker, throttle.breaker.trying
        started, status = time.perf_counter(), 0
        try:
            async with throttle.turn(writes=request.writes):
                self._still_allowed(throttle, request)
                response = await self._answered(request)
            status = response.status
            self._heed(throttle, request, response)
        except PlatformRateLimited:
            raise  # says nothing about whether the service is well
        except Transient as error:
            breaker.failed(error)
            raise
        except PlatformError:
            breaker.succeeded()
            raise
        else:
            breaker.succeeded()
            return response
        finally:
            if trial:
                breaker.abandoned()
            took = round((time.perf_counter() - started) * 1000, 1)
            platform, doing = self.settings.id, request.doing
            _log.debug("platform.call", platform=platform, call=doing, status=status, milliseconds=took)

    async def get(self, model: type[M], path: str, query: Query | None = None, *, cached: bool = False) -> M:
        """The answer to a GET. `cached`: of what changes seldom; asked for with its ETag."""
        request = Request("GET", path, query or {}, cacheable=cached)
        return self.parse(model, self.json(request, await self.call(request)), path)

    async def send(
        self, model: type[M], method: str, path: str, body: object = None, query: Query | None = None
    ) -> M:
        """The answer to a write."""
        request = Request(method, path, query or {}, json=body)
        return self.parse(model, self.json(request, await self.call(request)), path)

    async def do(self, method: str, path: str, body: object = None, query: Query | None = None) -> Response:
        """A write whose answer nobody reads."""
        return await self.call(Request(method, path, query or {}, json=body))

    # --- lists ---------------------------------------------------------------------------------------

    async def page(
        self,
        model: type[M],
        path: str,
        query: Query,
        pager: Pager,
        key: str | None = None,
        *,
        cached: bool = False,
    ) -> tuple[list[M], Query | None]:
        """One page of a list (under `key` where the answer wraps it) and the query of the next one."""
        request = Request("GET", path, query, cacheable=cached)
        response = await self.call(request)
        body = self.json(request, response)
        items: object = cast("dict[str, object]", body).get(key) if key and isinstance(body, dict) else body
        if not isinstance(items, list):
            raise PlatformError(
                f"{self.dialect.name}'s answer to {request.doing} is not a list", platform=self.settings.id
            )
        found = [self.parse(model, item, path) for item in cast("list[object]", items)]
        return found, pager(request, response, body)

    async def every(
        self, model: type[M], path: str, query: Query, pager: Pager, key: str | None = None
    ) -> list[M]:
        """All pages. Raises PlatformError beyond 200 of them rather than leave some out silently."""
        found: list[M] = []
        following: Query | None = query
        for _ in range(PAGES):
            items, following = await self.page(model, path, following, pager, key)
            found += items
            if following is None:
                return found
        raise self.endless(path)

    def endless(self, path: str) -> PlatformError:
        """For a list whose pages do not end."""
        return PlatformError(f"GET {path} has more than {PAGES} pages", platform=self.settings.id)

    # --- reading -------------------------------------------------------------------------------------

    def json(self, request: Request, response: Response) -> Any:
        """The body, parsed. Raises Transient: something between us and the service answered in its place."""
        try:
            return response.json()
        except ValueError as error:
            raise Transient(
                f"the answer to {request.doing} is not JSON",
                hint=self.dialect.base_url_hint,
                platform=self.settings.id,
            ) from error

    def parse(self, model: type[M], value: object, path: str) -> M:
        """Raises PlatformError naming the fields that are not as described."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise self._strange(model, path, error) from error

    def clean(self, text: str) -> str:
        """Without the tokens that were shown, should a server or a library repeat one."""
        secrets = {self.settings.token or "", *self._transport.secrets()} - {""}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    # --- the account ---------------------------------------------------------------------------------

    @property
    def budget(self) -> RateLimit:
        """As the service said last."""
        return self._turns().budget

    async def close(self) -> None:
        await self._transport.close()
        await self._follower.close()

    # --- within --------------------------------------------------------------------------------------

    def _turns(self) -> Throttle:
        if self._throttle is None:
            given = self.settings.options.get("writeInterval")
            interval = float(given) if isinstance(given, int | float) else self.dialect.write_interval
            self._throttle = throttle_for(
                urlsplit(self.url).netloc.lower(),
                self.settings.token or self.settings.username or self.settings.id,
                at_once=self.settings.max_concurrent,
                write_interval=interval,
                one_write_at_once=self.dialect.one_write_at_once,
            )
        return self._throttle

    def _stays_below(self, request: Request) -> None:
        """Clients and servers resolve `..`: it would make another call of this one, with our token."""
        path = urlsplit(request.path).path if "://" in request.path else request.path
        if {".", ".."} & set(path.split("/")):
            raise NotFound(
                f"{request.doing} was not sent: '.' and '..' are no names",
                hint="give the name or path as the platform shows it",
                platform=self.settings.id,
            )

    def _go_ahead(self, throttle: Throttle, request: Request) -> None:
        """Raises PlatformRateLimited before the service's time, and Transient while it is left alone."""
        self._still_allowed(throttle, request)
        if (wait := throttle.breaker.admit()) > 0:
            last = throttle.breaker.last_error
            raise Transient(
                f"{self.dialect.name} failed again and again and is left alone for {wait:.0f} s"
                + (f"; the last time: {last.message}" if last else ""),
                hint="the run goes on by itself",
                retry_after=wait,
                platform=self.settings.id,
            )

    def _still_allowed(self, throttle: Throttle, request: Request) -> None:
        if (wait := throttle.blocked()) > 0:
            raise PlatformRateLimited(
                f"{self.dialect.name} asked for a pause; {request.doing} was not sent",
                hint="the run waits and goes on by itself",
                retry_after=wait,
                platform=self.settings.id,
            )

    def _heed(self, throttle: Throttle, request: Request, response: Response) -> None:
        """Take the budget that an answer states; an empty one is a pause. Raises a failure's error."""
        now = clock(response.headers)
        budget = rate_limit(response.headers, now)
        if budget != RateLimit():
            throttle.budget = budget
            if (wait := seconds_left(budget, now)) is not None:
                throttle.block(wait)
        if self.dialect.refuses(response):
            error = self._error(request, response)
            if isinstance(error, PlatformRateLimited):
                throttle.block(error.retry_after or 0.0)
            raise error
        if (delay := retry_after(response.headers, now)) is not None:
            # Azure DevOps answers late before it refuses. It is an answer nevertheless.
            _log.info("platform.delayed", platform=self.settings.id, call=request.doing, seconds=delay)

    async def _answered(self, request: Request) -> Response:
        """The answer behind redirects, with credentials that the service takes where there are such."""
        try:
            response = await self._transport.send(self._etags.ask(request))
            if response.status == 401 and await self._transport.refused():
                response = await self._transport.send(request)
            response = await self._follower.follow(request, response)
        except NoAnswer as failed:
            raise self._no_answer(request, failed) from None
        return self._etags.take(request, response)

    def _no_answer(self, request: Request, failed: NoAnswer) -> Transient:
        return Transient(
            f"no answer from {self.dialect.name} to {request.doing}: {self.clean(str(failed))}",
            hint="check the network and the platform's baseUrl; it is tried again",
            platform=self.settings.id,
        )

    def _error(self, request: Request, response: Response) -> PlatformError:
        has_token = self.settings.token is not None or self.settings.tokens is not None
        message = self.clean(self.dialect.reason(response))
        answer = Answer(
            response.status,
            message,
            response.headers,
            request.doing,
            self.settings.id,
            has_token or self.settings.app is not None,
        )
        return error_for(answer, self.dialect)

    def _strange(self, model: type[BaseModel], path: str, error: ValidationError) -> PlatformError:
        fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors()[:3])
        return PlatformError(
            f"{self.dialect.name}'s answer to {path} is not as described ({model.__name__}: {fields})",
            platform=self.settings.id,
        )


def link_header(request: Request, response: Response, body: Any) -> Query | None:
    """The pager of services with a `Link` header (GitHub, GitLab, Gitea, Forgejo)."""
    following = links(response).get("next")
    return query_of(following) if following else None


def query_of(address: str) -> Query:
    """The query of an address, as a request takes it."""
    found: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(urlsplit(address).query, keep_blank_values=True):
        there = found.get(name)
        if there is None:
            found[name] = value
        else:
            found[name] = [*there, value] if isinstance(there, list) else [there, value]
    return found


def cursor_of(query: Query | None) -> str | None:
    """A query as the opaque text that callers hand back; None for the last page."""
    return None if query is None else urlencode(cast("Mapping[str, Any]", query), doseq=True)


def from_cursor(cursor: str) -> Query:
    """What `cursor_of` made."""
    return query_of(f"?{cursor}")
