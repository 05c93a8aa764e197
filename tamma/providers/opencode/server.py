"""OpenCode's server mode over its HTTP API: a server that runs already, or a sidecar of ours.

With `baseUrl` a running `opencode serve` is joined; the API key is its password, the option `username` its
user. Its own system prompt then stands before ours. Without, a sidecar is started with the first call, and
again after it died; the API key goes to the provider that `model` names (`provider/model`), and the option
`config` may define providers as opencode.json does. Each request is a session of its own, deleted afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ProviderError, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Cost,
    CostSource,
    Finish,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common import tokens
from tamma.providers.common.checking import failed_check
from tamma.providers.common.errors import CallContext, host_of, transport_error
from tamma.providers.common.http import check_base_url, make_client, read_until
from tamma.providers.common.requests import tell_dropped, with_defaults
from tamma.providers.common.sse import SSEDecoder
from tamma.providers.interface import ProviderSettings
from tamma.providers.opencode import errors
from tamma.providers.opencode.messages import SESSION, build, qualified
from tamma.providers.opencode.sidecar import AGENT, Sidecar, find_binary, start_sidecar
from tamma.providers.opencode.stream import OpenCodeStream

if TYPE_CHECKING:
    import httpx2

CLEAN_UP = 1.5
"""Seconds for ending a session."""
DEATH = 1.0
"""Seconds in which the end of a sidecar becomes known after its connections closed."""
CHECK_TIMEOUT = 60.0
"""Seconds; the first answer after a start may take ten."""
_log = structlog.get_logger(__name__)


class OpenCodeServer:
    """A provider behind `opencode serve`."""

    def __init__(self, settings: ProviderSettings) -> None:
        if settings.base_url:
            check_base_url(settings, settings.base_url)
        self._settings = settings
        self._binary: str | None = None
        self._sidecar: Sidecar | None = None
        self._client: httpx2.AsyncClient | None = None
        self._starting = asyncio.Lock()
        self._cleaning: set[asyncio.Task[None]] = set()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Find the binary. Raises ConfigError where it is missing and no running server is named."""
        if not self._settings.base_url:
            self._binary = find_binary(self._settings, os.environ)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator ends the session."""
        model = qualified(request.model, self._settings.model or "")
        context = self._context(model)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        body = self._built(request, model, context)
        client = await self._ready(context, deadline)
        async with AsyncExitStack() as stack:
            # First the events, then the prompt: none may be missed.
            events = await stack.enter_async_context(aclosing(self._events(client, context, deadline)))
            await anext(events)
            opened = await self._ask(client, "POST", "/session", SESSION, context, deadline)
            answer = OpenCodeStream(opened["id"], model, context, tokens.estimate_request(request))
            stack.push_async_callback(self._end_session, client, opened["id"], answer)
            path = f"/session/{opened['id']}/prompt_async"
            await self._ask(client, "POST", path, body, context, deadline)
            while not answer.done:
                event = await self._of_session(events, opened["id"], context)
                for ours in _translated(answer, event, context):
                    yield ours
        yield Finish(
            answer.reason,
            answer.usage,
            self._cost(answer),
            answer.served_model,
            native_reason=answer.native_reason,
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """An estimate: the API has no way to ask."""
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: tells whether the server works, and for which providers it has credentials."""
        try:
            found = await self.models()
        except ProviderError as error:
            return failed_check(error)
        names = tuple(model.id for model in found)
        return ProviderCheck(bool(names), f"OpenCode offers {len(names)} models", names)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models of the providers that OpenCode has credentials for."""
        context = self._context(self._settings.model or "")
        deadline = asyncio.get_running_loop().time() + CHECK_TIMEOUT
        client = await self._ready(context, deadline)
        body = await self._ask(client, "GET", "/config/providers", None, context, deadline)
        try:
            return tuple(
                ModelInfo(
                    f"{provider['id']}/{model['id']}",
                    model["limit"]["context"] or None,
                    model["limit"]["output"] or None,
                )
                for provider in body["providers"]
                for model in provider["models"].values()
            )
        except (KeyError, TypeError) as error:
            raise context.error(
                StreamInterrupted, f"the list of models is not readable ({error!r})"
            ) from None

    async def close(self) -> None:
        """End the sidecar, if there is one. A later call starts another."""
        if self._cleaning:
            await asyncio.wait(self._cleaning)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        sidecar, self._sidecar = self._sidecar, None
        if sidecar is not None:
            await sidecar.stop()

    def _context(self, model: str) -> CallContext:
        host = host_of(self._settings.base_url) if self._settings.base_url else "opencode serve"
        secrets = (self._settings.api_key or "", self._sidecar.password if self._sidecar else "")
        return CallContext(self._settings.name, model, host, tuple(secret for secret in secrets if secret))

    def _built(self, request: Request, model: str, context: CallContext) -> dict[str, Any]:
        settings = self._settings
        wanted = with_defaults(request, settings)
        named = settings.options.get("agent") if settings.base_url else AGENT
        built = build(wanted, model, self.capabilities(model), context, str(named) if named else None)
        tell_dropped(settings, model, built.dropped, by="OpenCode")
        return built.body

    def _cost(self, answer: OpenCodeStream) -> Cost:
        if answer.charged is not None and self._settings.price is None:
            return Cost(answer.charged, CostSource.PROVIDER)
        return cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)

    async def _ready(self, context: CallContext, deadline: float) -> httpx2.AsyncClient:
        """A client for a server that runs: the sidecar is started where there is none or it died."""
        await self.start()
        async with self._starting:
            if self._sidecar is not None and not self._sidecar.child.alive:
                client, self._client, dead, self._sidecar = self._client, None, self._sidecar, None
                await dead.stop()
                if client is not None:
                    await client.aclose()
            if self._client is None:
                try:
                    async with asyncio.timeout_at(deadline):
                        self._client = await self._connected(context)
                except TimeoutError as error:
                    raise transport_error(error, context, streaming=False) from None
            return self._client

    async def _connected(self, context: CallContext) -> httpx2.AsyncClient:
        settings = self._settings
        if settings.base_url:
            url, password = settings.base_url.rstrip("/"), settings.api_key
            user = str(settings.options.get("username") or "opencode")
        else:
            assert self._binary is not None
            self._sidecar = await start_sidecar(settings, self._binary, context)
            url, password, user = self._sidecar.url, self._sidecar.password, "opencode"
        client = make_client(settings, url)
        client.base_url = url
        client.headers.update(settings.headers)
        if password:
            client.auth = (user, password)
        return client

    async def _ask(
        self,
        client: httpx2.AsyncClient,
        method: str,
        path: str,
        body: object,
        context: CallContext,
        deadline: float,
    ) -> Any:
        """One call of the API; the parsed answer. Raises ProviderError."""
        try:
            async with asyncio.timeout_at(deadline):
                response = await client.request(method, path, json=body)
        except Exception as error:
            raise await self._ours(error, context, streaming=False) from None
        try:
            parsed = json.loads(response.content) if response.content else None
        except ValueError:
            parsed = response.text
        if response.status_code >= 400:
            raise errors.refused(response.status_code, parsed, context)
        return parsed

    async def _of_session(
        self, events: AsyncGenerator[dict[str, Any]], session_id: str, context: CallContext
    ) -> dict[str, Any]:
        """The next event of the session. The stream's heartbeats would hide from others that it stalls."""
        try:
            async with asyncio.timeout(self._settings.stall_timeout):
                while True:
                    event = await anext(events)
                    given: dict[str, Any] = event.get("properties") or {}
                    if given.get("sessionID") == session_id:
                        return event
        except TimeoutError as error:
            raise transport_error(error, context, streaming=True) from None

    async def _events(
        self, client: httpx2.AsyncClient, context: CallContext, deadline: float
    ) -> AsyncGenerator[dict[str, Any]]:
        """The server's events. Raises StreamInterrupted at their end: they have none."""
        decoder = SSEDecoder()
        begun = False
        try:
            async with client.stream("GET", "/event") as response:
                _accepted(response, context)
                parts = response.aiter_bytes()
                while part := await read_until(deadline, parts, b""):
                    for event in decoder.feed(part):
                        begun = True
                        yield cast("dict[str, Any]", json.loads(event.data))
        except Exception as error:
            raise await self._ours(error, context, streaming=begun) from None
        raise context.error(StreamInterrupted, "OpenCode closed its stream of events")

    async def _ours(self, error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
        """Ours for what went wrong below; a sidecar that died says so."""
        import httpx2

        if isinstance(error, ProviderError):
            return error
        sidecar = self._sidecar
        if sidecar is not None and isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError):
            # Its connections close a moment before its end is known.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sidecar.child.wait(), DEATH)
        if sidecar is not None and not sidecar.child.alive:
            said = sidecar.child.output.strip()
            return context.error(
                StreamInterrupted,
                f"OpenCode ended; its last words: {said or 'none'}",
                hint="the next call starts it again",
            )
        if isinstance(error, httpx2.HTTPError | TimeoutError | ValueError):
            return transport_error(error, context, streaming=streaming)
        raise error

    async def _end_session(self, client: httpx2.AsyncClient, session_id: str, answer: OpenCodeStream) -> None:
        """Abort and delete the session, even where our own task is cancelled meanwhile."""
        task = asyncio.create_task(self._discard(client, session_id))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        if not answer.done:  # else it may end while the answer is already used
            await asyncio.shield(task)

    async def _discard(self, client: httpx2.AsyncClient, session_id: str) -> None:
        if self._sidecar is not None and not self._sidecar.child.alive:
            return
        try:
            async with asyncio.timeout(CLEAN_UP):
                await client.post(f"/session/{session_id}/abort")
                await client.delete(f"/session/{session_id}")
        except Exception as error:  # the answer is complete or lost: this is not its failure
            _log.warning(
                "an OpenCode session could not be ended", provider=self._settings.name, error=repr(error)
            )


def _accepted(response: httpx2.Response, context: CallContext) -> None:
    if response.status_code != 200:
        raise errors.refused(response.status_code, {}, context)


def _translated(answer: OpenCodeStream, event: dict[str, Any], context: CallContext) -> list[StreamEvent]:
    try:
        return answer.feed(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # fields missing or of another type
        raise context.error(StreamInterrupted, f"an event is not readable ({error!r})") from None
