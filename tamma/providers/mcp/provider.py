"""`zen-mcp`: a model behind a tool of an MCP server, such as PAL's (once Zen) `chat`.

A tool takes one prompt and gives one text: no stream, no tools, no counts. So the conversation is flattened
into the prompt, the answer is one TextDelta, and usage is estimated.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tamma.errors import ConfigError, ProviderError
from tamma.mcp.client import McpAnswer, McpClient
from tamma.model.conversation import (
    UNKNOWN_COST,
    Capabilities,
    Finish,
    FinishReason,
    ModelInfo,
    ProviderCheck,
    Request,
    Start,
    StreamEvent,
    TextDelta,
    TokenCount,
    Usage,
    UsageUpdate,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common import tokens
from tamma.providers.common.checking import failed_check
from tamma.providers.common.errors import CallContext
from tamma.providers.common.flatten import flatten
from tamma.providers.interface import ProviderSettings
from tamma.providers.mcp.answers import Reply, listed_models, lost_thread, read
from tamma.providers.mcp.options import Wiring, wiring
from tamma.providers.mcp.threads import Threads
from tamma.telemetry.redaction import redact_given

LIST_MODELS = "listmodels"


class ZenMcp:
    """One tool of one MCP server. The server is started, or connected to, by the first call."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Raises ConfigError where the options cannot be right."""
        self._settings = settings
        self._wiring: Wiring = wiring(settings)
        self._client = McpClient(self._wiring.server)
        self._threads = Threads()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Nothing yet: starting the server is a call, and a call is made when something is asked."""

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the tool; see `tamma.providers.interface`. Closing the generator cancels the call there."""
        model = request.model or self._settings.model or ""
        answered = await self._ask(request, model, self._context(model))
        usage = Usage(
            input_total=tokens.estimate_request(request),
            output_total=tokens.estimate(answered.text),
            estimated=True,
        )
        served = answered.model or model
        yield Start(served)
        if answered.text:
            yield TextDelta(answered.text)
        yield UsageUpdate(usage)
        price = self._settings.price
        # What was estimated is not priced from tables; a price of the user's own is their word.
        cost = cost_of(self._settings.type, served, usage, price) if price else UNKNOWN_COST
        yield Finish(FinishReason.STOP, usage, cost, served, native_reason=answered.status)

    async def count_tokens(self, request: Request) -> TokenCount:
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def models(self) -> tuple[ModelInfo, ...]:
        """What PAL's `listmodels` lists; empty for servers without it."""
        context = self._context(self._settings.model or "")
        try:
            if LIST_MODELS not in {tool.name for tool in await self._client.tools()}:
                return ()
            return listed_models(await self._client.call(LIST_MODELS, {}))
        except (ProviderError, ConfigError) as error:
            raise self._cleaned(error, context) from None

    async def check(self) -> ProviderCheck:
        """Shake hands, and see that the tool is there. The model behind it is not asked."""
        wanted = self._wiring.tool
        try:
            names = [tool.name for tool in await self._client.tools()]
            models = await self.models() if wanted in names else ()
        except (ProviderError, ConfigError) as error:
            ours = self._cleaned(error, self._context(self._settings.model or ""))
            return failed_check(ours)
        place = self._wiring.server.place
        if wanted not in names:
            there = ", ".join(sorted(names)[:20]) or "none"
            return ProviderCheck(
                False, f"{place} has no tool {wanted!r}", hint=f"its tools are: {there}", exit_code=2
            )
        return ProviderCheck(True, f"{place} has the tool {wanted!r}", tuple(model.id for model in models))

    async def close(self) -> None:
        await self._client.close()

    # --- one call --------------------------------------------------------------------------------

    async def _ask(self, request: Request, model: str, context: CallContext) -> Reply:
        takes_threads = "continuation" in self._wiring.arguments
        thread, seen = (
            self._threads.take(model, request.system, request.messages) if takes_threads else (None, 0)
        )
        answer = await self._call(self._arguments(request, model, thread, seen), request.timeout, context)
        if thread is not None and lost_thread(answer):
            # It forgot what we built upon, and did nothing. The whole conversation is another question.
            answer = await self._call(self._arguments(request, model, None, 0), request.timeout, context)
        reply = read(answer, self._wiring, context)
        if takes_threads and reply.continuation:
            self._threads.keep(reply.continuation, model, request.system, request.messages, reply.text)
        return reply

    def _arguments(self, request: Request, model: str, thread: str | None, seen: int) -> dict[str, object]:
        names = self._wiring.arguments
        own_system = "system" in names
        # A server that has the beginning has the system's words as well.
        system = "" if own_system or thread else request.system
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        words: dict[str, object] = {
            "prompt": flatten(request.messages[seen:], system=system).text,
            "system": request.system,
            "model": model,
            "continuation": thread,
            "temperature": temperature,
            "maxOutputTokens": request.max_output_tokens or self._settings.max_output_tokens,
        }
        given = {word: value for word, value in words.items() if value not in (None, "")}
        return {**self._wiring.fixed, **{names[word]: given[word] for word in names if word in given}}

    async def _call(self, arguments: dict[str, object], timeout: float, context: CallContext) -> McpAnswer:
        limit = min(timeout, self._settings.timeout)
        try:
            return await self._client.call(self._wiring.tool, arguments, timeout=limit)
        except ProviderError as error:
            raise self._cleaned(error, context) from None

    def _context(self, model: str) -> CallContext:
        server = self._wiring.server
        values = (*server.env.values(), *server.headers.values(), self._settings.api_key or "")
        secrets = tuple(value for value in values if len(value) >= 6)
        return CallContext(self._settings.name, model, server.place, secrets)

    def _cleaned(
        self, error: ProviderError | ConfigError, context: CallContext
    ) -> ProviderError | ConfigError:
        """The client's error, with the model it was about and without our secrets."""
        words = redact_given(error.message, context.secrets)
        if isinstance(error, ProviderError):
            return type(error)(
                words,
                hint=error.hint,
                retry_after=error.retry_after,
                provider=context.provider,
                model=context.model,
            )
        return ConfigError(words, hint=error.hint)
