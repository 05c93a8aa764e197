"""Ollama's own protocol. Its `/v1` cannot be told the context window and cuts long prompts silently.

What does not fit into the window is refused here, by estimate, before it is sent: older servers would drop
the oldest messages without a word. Newer ones are also told not to cut anything.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ContextOverflow, InvalidRequest, ModelNotFound, StreamInterrupted
from tamma.model.conversation import Capabilities, ModelInfo, Request, StreamEvent, TokenCount
from tamma.providers.catalogue import models as catalogue
from tamma.providers.common import tokens
from tamma.providers.common.answers import finish_of, object_of, translated
from tamma.providers.common.calls import ASIDE_TIMEOUT, Call, call_for, opened, ours
from tamma.providers.common.errors import CallContext, context_for
from tamma.providers.common.http import (
    check_base_url,
    check_key,
    drain,
    headers_with_key,
    make_client,
    read_until,
)
from tamma.providers.common.once import Once
from tamma.providers.common.requests import tell_dropped, with_defaults
from tamma.providers.interface import ProviderSettings
from tamma.providers.local import wire
from tamma.providers.local.facts import with_facts
from tamma.providers.local.ollama.errors import to_error
from tamma.providers.local.ollama.messages import build
from tamma.providers.local.ollama.model import Shown, Window, facts_of, read_show, window_of
from tamma.providers.local.ollama.stream import NO_ANSWER, Lines, OllamaStream

if TYPE_CHECKING:
    import httpx2

_log = structlog.get_logger(__name__)


class Ollama:
    """A server at `root`. Option `keepAlive`: how long it keeps a model loaded, e.g. `"30m"`, or seconds."""

    def __init__(self, settings: ProviderSettings, root: str) -> None:
        check_base_url(settings, root)
        self._settings = settings
        self._root = root
        self._client = Once(self._make_client)
        self._shown: dict[str, Shown] = {}
        self._found_model: str | None = None

    def _make_client(self) -> httpx2.AsyncClient:
        check_key(self._settings, required=False)
        return make_client(self._settings, self._root)

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
        client = await self._client.get()
        model = request.model or await self.default_model()
        call = call_for(self._settings, model, self._root, request.timeout)
        estimate = tokens.estimate_request(request)
        url, body = f"{self._root}/api/chat", self._body(request, model, estimate, call.context)
        asked = client.build_request("POST", url, json=body, headers=headers_with_key(self._settings))
        answer = OllamaStream(model, estimate)
        async with opened(client, asked, call, to_error) as response:
            async with aclosing(_chunks(response, call)) as chunks:
                async for chunk in chunks:
                    for event in translated(answer.feed, chunk, call.context):
                        yield event
            if not answer.done or answer.native_reason in NO_ANSWER:
                why = f"it ended with {answer.native_reason!r}" if answer.done else "its last line is missing"
                raise call.context.error(StreamInterrupted, f"the answer is not complete: {why}")
        yield finish_of(answer, self._settings)

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
        if (client := self._client.take()) is not None:
            await client.aclose()

    def _window(self, model: str) -> Window:
        configured = catalogue.capabilities_for(self._settings, model).context_window
        return window_of(configured, self._shown.get(model, Shown()))

    def _context(self, model: str) -> CallContext:
        return context_for(self._settings, model, self._root)

    def _body(self, request: Request, model: str, estimate: int, context: CallContext) -> dict[str, Any]:
        """The request's body. Raises ContextOverflow where it does not fit into the window."""
        window = self._window(model)
        if estimate > window.num_ctx:
            raise context.error(
                ContextOverflow,
                f"about {estimate} tokens do not fit into the window of {window.num_ctx} ({window.why})",
                hint="the conversation must be compacted, or a larger `contextWindow` set",
            )
        built = build(
            with_defaults(request, self._settings),
            model,
            self.capabilities(model),
            self._shown.get(model, Shown()),
            num_ctx=window.num_ctx,
            keep_alive=cast("str | float | None", self._settings.options.get("keepAlive")),
        )
        tell_dropped(self._settings, model, built.dropped)
        return built.body

    async def _call(self, path: str, model: str, body: object = None) -> Mapping[str, Any]:
        client = await self._client.get()
        call = call_for(self._settings, model, self._root, ASIDE_TIMEOUT)
        return await wire.ask(
            client, self._root + path, headers_with_key(self._settings), call, body, to_error
        )


async def _chunks(response: httpx2.Response, call: Call) -> AsyncGenerator[dict[str, Any]]:
    """The parsed lines, up to the last one of the answer."""
    lines, parts = Lines(), response.aiter_bytes()
    try:
        while part := await read_until(call.deadline, parts, b"", call.patience):
            for line in lines.feed(part):
                chunk = _judged(line, call.context)
                yield chunk
                if chunk.get("done"):
                    await drain(parts)
                    return
        for line in lines.flush():
            yield _judged(line, call.context)
    except Exception as error:
        raise ours(error, call.context, streaming=True) from None


def _judged(line: bytes, context: CallContext) -> dict[str, Any]:
    """The chunk, unless it reports an error: those come with status 200 once the answer has begun."""
    chunk = object_of(line.decode(), context)
    if chunk.get("error"):
        raise to_error(200, chunk, {}, context)
    return chunk
