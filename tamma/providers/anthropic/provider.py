"""Anthropic's Messages API, through the official SDK: the default provider.

The SDK knows how to ask; what it makes of requests and answers is left out. The request is written as JSON
here: its `create` copies the whole conversation node by node first, 3 ms more a call at 100 turns of 8 kB.
The events are read by our own decoder: the SDK makes models of them, at four times the cost a chunk, passes
over pings in silence (so that no deadline could be kept without a timer for each event), and does not notice
a stream that ends early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from tamma.errors import ModelNotFound, ProviderError
from tamma.model.conversation import Capabilities, ModelInfo, ProviderCheck, Request, StreamEvent, TokenCount
from tamma.providers.anthropic import errors
from tamma.providers.anthropic.messages import Built, build
from tamma.providers.anthropic.stream import AnthropicStream
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import load_price_data
from tamma.providers.common import tokens
from tamma.providers.common.answers import check_done, finish_of, object_of, translated
from tamma.providers.common.calls import ASIDE_TIMEOUT, Call, call_for, event_data, ours, refuse_page
from tamma.providers.common.checking import check_by_models
from tamma.providers.common.errors import CallContext, host_of, transport_error
from tamma.providers.common.http import check_base_url, check_key, drain, make_client
from tamma.providers.common.once import Once
from tamma.providers.common.requests import tell_dropped, with_defaults
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic

DEFAULT_BASE_URL = "https://api.anthropic.com"
_KEY_HEADERS = frozenset({"authorization", "x-api-key"})


class AnthropicClaude:
    """Claude models. `headers` are sent along, for compatible gateways that want others.

    Newer models refuse thinking that is replayed after anything before it was changed: system, tools or a
    message. So whoever shortens a conversation leaves its `Reasoning` parts out. The option
    `{"dropChangedThinking": true}` asks the service to drop such thinking itself (a beta of the API).
    """

    def __init__(
        self, settings: ProviderSettings, error_codes: Mapping[str, type[ProviderError]] | None = None
    ) -> None:
        """`error_codes`: the own codes and types of a service that is compatible; they go first."""
        self._settings = settings
        self._error_codes = error_codes
        self._base_url = settings.base_url or DEFAULT_BASE_URL
        check_base_url(settings, self._base_url)
        self._client = Once(self._make_client)

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Import the SDK (about a second, off the event loop) and make the client.

        Raises AuthFailed where there is no key: the SDK would go looking for one in the environment.
        """
        await self._client.get()

    def _make_client(self) -> AsyncAnthropic:
        settings = self._settings
        check_key(settings, headers=_KEY_HEADERS)
        from anthropic import AsyncAnthropic

        load_price_data(settings.type)
        http = make_client(settings, self._base_url)
        return AsyncAnthropic(
            api_key=settings.api_key or "in-headers",
            base_url=self._base_url,
            timeout=http.timeout,  # the SDK sends its own with every request
            max_retries=0,
            default_headers=dict(settings.headers),
            http_client=http,
            open_telemetry=False,  # the activity around the call has its own span
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask Claude; see `tamma.providers.interface`. Closing the generator closes the connection."""
        await self.start()
        model = self._model(request)
        call = call_for(self._settings, model, self._base_url, request.timeout)
        async with self._opened(self._built(request, model), call) as response:
            headers = response.headers
            answer = AnthropicStream(model, headers.get("request-id"))
            parts = response.aiter_bytes()
            async with aclosing(event_data(parts, call)) as events:
                async for data in events:
                    chunk = object_of(data, call.context)
                    for event in translated(answer.feed, chunk, call.context):
                        yield event
                    if answer.failure is not None:
                        raise self._refused(200, answer.failure, headers, call.context)
                    if answer.done:
                        await drain(parts)
                        break
        check_done(answer, headers, call.context)
        yield finish_of(answer, self._settings)

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        client = await self._client.get()
        model = self._model(request)
        call = call_for(self._settings, model, self._base_url, request.timeout)
        arguments = self._built(request, model).arguments
        del arguments["max_tokens"]
        try:
            async with asyncio.timeout_at(call.deadline):
                count = await client.messages.count_tokens(**cast("Any", arguments))
        except Exception as error:
            found = self._ours(error, call.context)
            if isinstance(found, ModelNotFound):
                return TokenCount(tokens.estimate_request(request), estimated=True)
            raise found from None
        return TokenCount(count.input_tokens, estimated=False)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs a valid key and costs nothing."""
        return await check_by_models(self, host_of(self._base_url))

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the key may use, newest first; up to 1,000, more than there are."""
        client = await self._client.get()
        call = call_for(self._settings, self._settings.model or "", self._base_url, ASIDE_TIMEOUT)
        try:
            async with asyncio.timeout_at(call.deadline):
                page = await client.models.list(limit=1000)
        except Exception as error:
            raise self._ours(error, call.context) from None
        return tuple(
            ModelInfo(model.id, model.max_input_tokens or None, model.max_tokens or None)
            for model in page.data
        )

    async def close(self) -> None:
        if (client := self._client.take()) is not None:
            await client.close()

    def _model(self, request: Request) -> str:
        chosen = catalogue.chosen_model(self._settings, request.model)
        assert chosen is not None  # the catalogue has a default for this type
        return chosen

    def _built(self, request: Request, model: str) -> Built:
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        drop_thinking = self._settings.options.get("dropChangedThinking") is True
        asked = with_defaults(request, self._settings)
        built = build(asked, model, entry, drop_changed_thinking=drop_thinking)
        tell_dropped(self._settings, model, built.dropped)
        return built

    @asynccontextmanager
    async def _opened(self, built: Built, call: Call) -> AsyncGenerator[httpx2.Response]:
        """The response, of status 200, its events still to come; closed however the block is left."""
        client = await self._client.get()
        from anthropic import AsyncStream

        headers, body = encode(built)
        try:
            async with asyncio.timeout_at(call.deadline):
                source = await client.post(
                    "/v1/messages",
                    content=body,
                    cast_to=object,
                    options={"headers": headers},
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
        except Exception as error:
            raise self._ours(error, call.context) from None
        try:
            refuse_page(source.response.headers, call.context)
            yield source.response
        finally:
            await source.close()

    def _refused(
        self, status: int, body: object, headers: Mapping[str, str], context: CallContext, words: str = ""
    ) -> ProviderError:
        return errors.to_error(status, body, headers, context, words, self._error_codes)

    def _ours(self, error: Exception, context: CallContext) -> ProviderError:
        """Ours for what the SDK raised. The cause is not chained: it repeats what the service echoed."""
        import anthropic

        match error:
            case anthropic.APIStatusError():
                return self._refused(
                    error.status_code, error.body, error.response.headers, context, error.message
                )
            case anthropic.APIError():
                return transport_error(error, context, streaming=False)
            case _:
                return ours(error, context, streaming=False)


def encode(built: Built) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a streamed request, as `messages.create` would send them."""
    from pydantic_core import to_json

    arguments = dict(built.arguments)
    headers = cast("dict[str, str]", arguments.pop("extra_headers", {}))
    extra = cast("dict[str, object]", arguments.pop("extra_body", {}))
    return headers, to_json({**arguments, "stream": True, **extra})
