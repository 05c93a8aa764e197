"""Ollama's own protocol. Its `/v1` cannot be told the context window and cuts long prompts silently.

What does not fit into the window is refused here, by estimate, before it is sent: older servers would drop
the oldest messages without a word. Newer ones are also told not to cut anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ContextOverflow, InvalidRequest, ModelNotFound, ProviderError, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.model.foreign import read_json
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext, context_for
from tamma.providers.common.http import check_base_url, check_key, drain, make_client, read_until
from tamma.providers.interface import ProviderSettings
from tamma.providers.local import wire
from tamma.providers.local.facts import with_facts
from tamma.providers.local.ollama.errors import to_error
from tamma.providers.local.ollama.messages import Built, build
from tamma.providers.local.ollama.model import Shown, Window, facts_of, read_show, window_of
from tamma.providers.local.ollama.stream import NO_ANSWER, Lines, OllamaStream

if TYPE_CHECKING:
    import httpx2

MAX_ERROR_BYTES = 64 * 1024
_log = structlog.get_logger(__name__)


class Ollama:
    """A server at `root`. Option `keepAlive`: how long it keeps a model loaded, e.g. `"30m"`, or seconds."""

    def __init__(self, settings: ProviderSettings, root: str) -> None:
        check_base_url(settings, root)
        self._settings = settings
        self._root = root
        self._client: httpx2.AsyncClient | None = None
        self._shown: dict[str, Shown] = {}
        self._found_model: str | None = None

    async def start(self) -> None:
        if self._client is None:
            check_key(self._settings, required=False)
            self._client = make_client(self._settings, self._root)

    async def learn(self, model: str) -> None:
        """Remember what the server says about `model`. Raises ProviderError."""
        if model in self._shown:
            return
        try:
            shown = read_show(await self._call("/api/show", model, {"model": model}))
        except (InvalidRequest, ModelNotFound) as error:  # merely compatible, or the call will say the same
            _log.info("Ollama does not show the model", provider=self._settings.name, why=str(error))
            return
        self._shown[model] = shown
        window = self._window(model)
        _log.info(
            "the window that Ollama is asked for",
            provider=self._settings.name,
            model=model,
            num_ctx=window.num_ctx,
            why=window.why,
            longest=shown.context_length,
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        await self.start()
        model = request.model or await self.default_model()
        context = self._context(model)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        estimate = tokens.estimate_request(request)
        built = self._built(request, model, estimate, context)
        answer = OllamaStream(model, estimate)
        async with self._post(built.body, deadline, context) as response:
            async with aclosing(self._chunks(response, deadline, context)) as chunks:
                async for chunk in chunks:
                    for event in _translated(answer, chunk, context):
                        yield event
            if not answer.done or answer.native_reason in NO_ANSWER:
                why = f"it ended with {answer.native_reason!r}" if answer.done else "its last line is missing"
                raise context.error(StreamInterrupted, f"the answer is not complete: {why}")
        cost = cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)
        yield Finish(
            answer.reason, answer.usage, cost, answer.served_model, native_reason=answer.native_reason
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """An estimate: the protocol has no way to ask."""
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        """The window is the one that is asked for, which the model's own length only limits."""
        window, shown = self._window(model), self._shown.get(model, Shown())
        known = catalogue.capabilities_for(self._settings, model)
        found = with_facts(known, facts_of(shown, window), self._settings)
        return replace(found, context_window=window.num_ctx)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that are on the machine, the last changed first; none that only embed."""
        listed = wire.entries(await self._call("/api/tags", self._settings.model or ""), "models")
        return tuple(
            ModelInfo(str(entry.get("model") or entry.get("name")))
            for entry in listed
            if "completion" in (entry.get("capabilities") or ("completion",))
        )

    async def default_model(self) -> str:
        """The configured model, or the first that the server lists."""
        if self._settings.model:
            return self._settings.model
        if self._found_model is None:
            found = await self.models()
            if not found:
                raise self._context("").error(
                    ModelNotFound, "Ollama has no models yet", hint="fetch one, e.g. `ollama pull qwen3`"
                )
            self._found_model = found[0].id
        return self._found_model

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _window(self, model: str) -> Window:
        configured = catalogue.capabilities_for(self._settings, model).context_window
        return window_of(configured, self._shown.get(model, Shown()))

    def _context(self, model: str) -> CallContext:
        return context_for(self._settings, model, self._root)

    def _built(self, request: Request, model: str, estimate: int, context: CallContext) -> Built:
        """The request's body. Raises ContextOverflow where it does not fit into the window."""
        window = self._window(model)
        if estimate > window.num_ctx:
            raise context.error(
                ContextOverflow,
                f"about {estimate} tokens do not fit into the window of {window.num_ctx} ({window.why})",
                hint="the conversation must be compacted, or a larger `contextWindow` set",
            )
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        built = build(
            replace(request, temperature=temperature),
            model,
            self.capabilities(model),
            self._shown.get(model, Shown()),
            num_ctx=window.num_ctx,
            num_predict=self._settings.max_output_tokens,
            keep_alive=cast("str | float | None", self._settings.options.get("keepAlive")),
        )
        if built.dropped:
            _log.warning(
                "left out of the request: the model does not take it",
                provider=self._settings.name,
                model=model,
                dropped=list(built.dropped),
            )
        return built

    async def _call(self, path: str, model: str, body: object = None) -> Mapping[str, Any]:
        await self.start()
        assert self._client is not None
        url, headers = self._root + path, wire.headers_of(self._settings)
        return wire.as_object(
            await wire.call(self._client, url, headers, self._context(model), body, to_error)
        )

    @asynccontextmanager
    async def _post(
        self, body: dict[str, Any], deadline: float, context: CallContext
    ) -> AsyncGenerator[httpx2.Response]:
        """The open response, its status already judged; closed however the block is left."""
        assert self._client is not None
        headers = wire.headers_of(self._settings)
        request = self._client.build_request("POST", f"{self._root}/api/chat", json=body, headers=headers)
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(request, stream=True)
        except Exception as error:
            raise wire.ours(error, context, streaming=False) from None
        try:
            if response.status_code != 200:
                raise await _refused(response, deadline, context)
            yield response
        finally:
            await response.aclose()

    async def _chunks(
        self, response: httpx2.Response, deadline: float, context: CallContext
    ) -> AsyncGenerator[dict[str, Any]]:
        """The parsed lines, up to the last one of the answer."""
        lines, parts = Lines(), response.aiter_bytes()
        try:
            while part := await read_until(deadline, parts, b"", self._settings.stall_timeout):
                for line in lines.feed(part):
                    chunk = _judged(line, context)
                    yield chunk
                    if chunk.get("done"):
                        await drain(parts)
                        return
            for line in lines.flush():
                yield _judged(line, context)
        except Exception as error:
            raise wire.ours(error, context, streaming=True) from None


async def _refused(response: httpx2.Response, deadline: float, context: CallContext) -> ProviderError:
    try:
        async with asyncio.timeout_at(deadline):
            content = await wire.read_bounded(response, MAX_ERROR_BYTES)
    except Exception as error:
        return wire.ours(error, context, streaming=False)
    return to_error(response.status_code, wire.parsed(content), response.headers, context)


def _judged(line: bytes, context: CallContext) -> dict[str, Any]:
    """The chunk, unless it reports an error: those come with status 200 once the answer has begun."""
    chunk = read_json(line.decode())
    if not isinstance(chunk, dict):
        raise context.error(StreamInterrupted, "a line of the stream is not a JSON object")
    known = cast("dict[str, Any]", chunk)
    if known.get("error"):
        raise to_error(200, known, {}, context)
    return known


def _translated(answer: OllamaStream, chunk: dict[str, Any], context: CallContext) -> list[StreamEvent]:
    try:
        return answer.feed(chunk)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # fields missing or of another type
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None
