"""GitHub Copilot through its official SDK, which speaks JSON-RPC to the Copilot CLI's runtime.

The runtime (330 MB) is started with the first call and again after it died. Each request is a session of its
own with the conversation as one prompt, under our system prompt, with no tool, permission or file of the
runtime's. It bills by the credits of a subscription: the cost of a call is unknown.

Options: `cliPath`, and `provider` (`{"type": "openai", "baseUrl": …, "model": …}`) for a model of one's own,
which needs no GitHub account. The API key is a GitHub token, or that model's key; without one, the login of
`copilot login` is used.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from tamma.errors import ConfigError, ProviderError, ProviderTimeout
from tamma.model.conversation import (
    Capabilities,
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
from tamma.providers.common.errors import CallContext, host_of
from tamma.providers.common.flatten import Flat, flatten
from tamma.providers.common.http import check_key
from tamma.providers.common.requests import tell_dropped
from tamma.providers.copilot import errors, sdk, setup
from tamma.providers.copilot.runtime import Runtime, start_runtime
from tamma.providers.copilot.stream import CopilotStream
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    from copilot import CopilotSession

    Events = asyncio.Queue[Any]
"""The SDK's session events, and None for the runtime's death."""

CLEAN_UP = 1.5
"""Seconds for ending a turn and its session."""
CHECK_TIMEOUT = 30.0
_log = structlog.get_logger(__name__)

T = TypeVar("T")


class GitHubCopilot:
    """The provider type `github-copilot`."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._own: setup.OwnModel | None = None
        self._cli: list[str] | None = None
        self._runtime: Runtime | None = None
        self._starting = asyncio.Lock()
        self._cleaning: set[asyncio.Task[None]] = set()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Find the CLI and import the SDK. Raises ConfigError where either is missing, or AuthFailed."""
        async with self._starting:
            if self._cli is not None:
                return
            own = setup.own_model(self._settings, os.environ)
            check_key(self._settings, required=False)
            cli = setup.find_cli(self._settings, os.environ)
            try:
                await asyncio.to_thread(import_module, "copilot")
            except ImportError as error:
                raise ConfigError(
                    f"provider {self._settings.name!r} needs the Copilot SDK: {error}",
                    hint="pip install 'tamma[copilot]'",
                ) from error
            self._own, self._cli = own, cli

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator ends the runtime's turn."""
        await self.start()
        model = self._model(request)
        context = self._context(model)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        flat = flatten(request.messages, vision=self.capabilities(model).vision)
        runtime = await self._call(self._running(context), deadline, context)
        queue: Events = asyncio.Queue()
        answer = CopilotStream(model, context, tokens.estimate_request(request))
        death = asyncio.ensure_future(runtime.child.wait())
        death.add_done_callback(lambda _: queue.put_nowait(None))
        over = asyncio.Event()
        session: CopilotSession | None = None
        try:
            session = await self._call(self._opened(runtime, request, model, queue, over), deadline, context)
            await self._call(self._sent(session, request, model, flat), deadline, context)
            while not answer.done:
                event = await self._next(queue, deadline, context)
                if event is None:
                    raise errors.died(runtime.child.output, context, streaming=answer.started)
                for ours in answer.feed(event.type.value, event.data):
                    yield ours
        finally:
            death.cancel()
            ending = self._end_session(runtime, session, over)
            if not answer.done:  # else it may end while the answer is already used
                await asyncio.shield(ending)
        cost = cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)
        yield Finish(
            answer.reason, answer.usage, cost, answer.served_model, answer.request_id, answer.native_reason
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """An estimate: the runtime counts only what it has sent."""
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """Ask the runtime whether GitHub knows us; costs nothing. A model of one's own is not called."""
        context = self._context(self._settings.model or "")
        try:
            await self.start()
            deadline = asyncio.get_running_loop().time() + CHECK_TIMEOUT
            runtime = await self._call(self._running(context), deadline, context)
            if self._own is not None:
                said = f"the runtime is ready for {self._own.model!r} at {host_of(self._own.base_url)}"
                return ProviderCheck(True, said, (self._own.model,))
            status = await self._call(runtime.client.get_auth_status(), deadline, context)
            if not status.isAuthenticated:
                why = status.statusMessage or "not logged in"
                return ProviderCheck(
                    False, str(why), hint="run `copilot login`, or store a GitHub token as key", exit_code=4
                )
            names = tuple(model.id for model in await self.models())
        except ProviderError as error:
            return failed_check(error)
        return ProviderCheck(True, f"{status.login or 'the token'} may use {len(names)} models", names)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the subscription offers; the one model where it is one's own."""
        await self.start()
        if self._own is not None:
            return (ModelInfo(self._own.model),)
        context = self._context(self._settings.model or "")
        deadline = asyncio.get_running_loop().time() + CHECK_TIMEOUT
        runtime = await self._call(self._running(context), deadline, context)
        found = await self._call(runtime.client.list_models(), deadline, context)
        return tuple(
            ModelInfo(model.id, model.capabilities.limits.max_context_window_tokens) for model in found
        )

    async def close(self) -> None:
        """End the runtime. A later call starts another."""
        if self._cleaning:
            await asyncio.wait(self._cleaning)
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            await runtime.stop()

    def _model(self, request: Request) -> str:
        """The model; empty for the account's own default."""
        own = self._own.model if self._own else None
        chosen = request.model or self._settings.model or own or catalogue.default_model(self._settings.type)
        return chosen or ""

    def _context(self, model: str) -> CallContext:
        own = self._own
        host = host_of(own.base_url) if own else "Copilot CLI"
        keys = {self._settings.api_key, own.api_key if own else None}
        return CallContext(self._settings.name, model, host, tuple(key for key in keys if key))

    async def _running(self, context: CallContext) -> Runtime:
        """The runtime, started where there is none or it died."""
        async with self._starting:
            assert self._cli is not None
            runtime = self._runtime
            if runtime is not None and not runtime.child.alive:
                self._runtime = None
                await runtime.stop()
            if self._runtime is None:
                self._runtime = await start_runtime(self._settings, self._own, self._cli, context)
            return self._runtime

    async def _opened(
        self, runtime: Runtime, request: Request, model: str, queue: Events, over: asyncio.Event
    ) -> CopilotSession:
        able = self.capabilities(model)
        limit = request.max_output_tokens or self._settings.max_output_tokens
        options = setup.session(model, request.system, self._own, limit)
        if request.reasoning_effort in able.reasoning_levels:
            options["reasoning_effort"] = request.reasoning_effort
        warm = request.temperature if request.temperature is not None else self._settings.temperature
        lost_limit = limit is not None and self._own is None
        dropped = sdk.left_out(request, able, limit=lost_limit, temperature=warm is not None)
        tell_dropped(self._settings, model, dropped, by="the runtime")
        return await runtime.client.create_session(
            **options,
            tools=sdk.tools(request) if able.tools else [],
            on_permission_request=sdk.deny,
            on_event=queue.put_nowait,
            hooks=sdk.hooks(over),
        )

    async def _sent(self, session: CopilotSession, request: Request, model: str, flat: Flat) -> None:
        schema = request.output_schema if self.capabilities(model).structured_output else None
        await session.send(
            flat.text,
            attachments=sdk.attachments(flat),
            response_schema=dict(schema) if schema is not None else None,
        )

    async def _next(self, queue: Events, deadline: float, context: CallContext) -> Any:
        """The next event. Raises ProviderTimeout at the deadline, or when nothing came for too long."""
        if not queue.empty():
            return queue.get_nowait()
        stall = asyncio.get_running_loop().time() + self._settings.stall_timeout
        return await self._call(queue.get(), min(deadline, stall), context)

    async def _call(self, call: Awaitable[T], deadline: float, context: CallContext) -> T:
        """Await a call of the SDK's; its failures as ours."""
        try:
            async with asyncio.timeout_at(deadline):
                return await call
        except TimeoutError:
            raise context.error(
                ProviderTimeout,
                "no answer in time",
                hint="the service may be slow or stuck: raise `timeout` or `stallTimeout` if so",
            ) from None
        except Exception as error:
            raise sdk.ours(error, self._runtime, context) from None

    def _end_session(
        self, runtime: Runtime, session: CopilotSession | None, over: asyncio.Event
    ) -> asyncio.Task[None]:
        """End the turn and forget the session, whatever becomes of our own task."""
        task = asyncio.create_task(self._discard(runtime, session, over))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        return task

    async def _discard(self, runtime: Runtime, session: CopilotSession | None, over: asyncio.Event) -> None:
        try:
            if session is not None and runtime.child.alive:
                async with asyncio.timeout(CLEAN_UP):
                    await session.abort()
                    over.set()
                    await runtime.client.delete_session(session.session_id)
        except Exception as error:  # the answer is complete or lost: this is not its failure
            _log.warning(
                "a Copilot session could not be ended", provider=self._settings.name, error=str(error)
            )
        finally:
            over.set()
