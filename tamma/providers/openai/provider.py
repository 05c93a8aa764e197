"""OpenAI's Responses API, through the official SDK.

The SDK knows how to ask; what it makes of requests and answers is left out. The request is written as JSON
here: its `responses.create` copies the whole conversation node by node first. The events are read by our own
decoder: the SDK takes twice as long for them, passes over comments in silence (so that no deadline could be
kept without a timer for each event), and does not notice a stream that ends early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from tamma.errors import ConfigError, InvalidRequest, ModelNotFound, ProviderError
from tamma.model.conversation import (
    UNKNOWN_COST,
    Capabilities,
    Cost,
    Message,
    ModelInfo,
    ProviderCheck,
    Reasoning,
    Request,
    StreamEvent,
    TokenCount,
)
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
from tamma.providers.openai import errors
from tamma.providers.openai.messages import Built, Reader, Summary, build
from tamma.providers.openai.stream import ResponseStream

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_KEY_HEADERS = frozenset({"authorization", "api-key"})
_SUMMARIES = ("auto", "concise", "detailed")
_LIST_PRICE_TIERS = frozenset({None, "auto", "default"})
_COUNTED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"}
)
"""The fields of a request that the service's count takes."""


class OpenAI:
    """OpenAI's models. Options of the configuration:

    * `organization`, `project`: whom the use is billed to.
    * `reasoningSummary` (auto, concise, detailed): have the model tell what it thought. Off by default: some
      models tell it to verified organisations only, and refuse the request of others.
    * `replayReasoning`: false leaves earlier encrypted reasoning out, for gateways that cannot take it.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._base_url = settings.base_url or DEFAULT_BASE_URL
        check_base_url(settings, self._base_url)
        self._summary: Summary | None = _summary(settings)
        self._client = Once(self._make_client)

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Import the SDK (half a second, off the event loop) and make the client.

        Raises AuthFailed where there is no key: the SDK would go looking for one in the environment.
        """
        await self._client.get()

    def _make_client(self) -> AsyncOpenAI:
        settings = self._settings
        check_key(settings, headers=_KEY_HEADERS)
        try:
            from openai import AsyncOpenAI
        except ModuleNotFoundError:
            raise ConfigError(
                f"provider {settings.name!r} needs OpenAI's SDK, which is not installed",
                hint="pip install 'tamma[openai]'",
            ) from None

        load_price_data(settings.type)
        http = make_client(settings, self._base_url)
        client = AsyncOpenAI(
            api_key=settings.api_key or "in-headers",
            admin_api_key="",  # "" where None would send the SDK to the environment
            organization="",
            project="",
            webhook_secret="",
            base_url=self._base_url,
            timeout=http.timeout,  # the SDK sends its own with every request
            max_retries=0,
            http_client=http,
        )
        client.admin_api_key = None
        client.organization = _text(settings, "organization")
        client.project = _text(settings, "project")
        # Set afterwards, not given: the SDK would add headers that it finds in the environment.
        client._custom_headers = dict(settings.headers)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
        return client

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        await self.start()
        reader = self._reader(request)
        call = call_for(self._settings, reader.model, self._base_url, request.timeout)
        async with self._opened(self._built(request, reader), call) as response:
            headers = response.headers
            answer = ResponseStream(reader, headers.get("x-request-id"))
            parts = response.aiter_bytes()
            async with aclosing(event_data(parts, call)) as events:
                async for data in events:
                    chunk = object_of(data, call.context)
                    for event in translated(answer.feed, chunk, call.context):
                        yield event
                    if answer.failure is not None:
                        raise errors.to_error(200, answer.failure, headers, call.context)
                    if answer.done:
                        await drain(parts)
                        break
        check_done(answer, headers, call.context)
        yield finish_of(answer, self._settings, self._cost(answer))

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        client = await self._client.get()
        reader = self._reader(request)
        call = call_for(self._settings, reader.model, self._base_url, request.timeout)
        body = self._built(request, reader).body
        counted = _json({name: value for name, value in body.items() if name in _COUNTED})
        try:
            async with asyncio.timeout_at(call.deadline):
                # What `responses.input_tokens.count` does, without loading the models of the whole API.
                answer = await client.post("/responses/input_tokens", content=counted, cast_to=object)
        except Exception as error:
            found = _ours(error, call.context)
            if isinstance(found, ModelNotFound):
                return TokenCount(tokens.estimate_request(request), estimated=True)
            raise found from None
        count = cast("Mapping[str, object]", answer).get("input_tokens") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise call.context.error(InvalidRequest, "the service's count of tokens is not readable")
        return TokenCount(count, estimated=False)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs a valid key and costs nothing."""
        return await check_by_models(self, host_of(self._base_url))

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the key may use. The service tells no limits of theirs."""
        client = await self._client.get()
        call = call_for(self._settings, self._settings.model or "", self._base_url, ASIDE_TIMEOUT)
        try:
            async with asyncio.timeout_at(call.deadline):
                page = await client.models.list()
        except Exception as error:
            raise _ours(error, call.context) from None
        return tuple(ModelInfo(model.id) for model in page.data)

    async def close(self) -> None:
        if (client := self._client.take()) is not None:
            await client.close()

    def _reader(self, request: Request) -> Reader:
        chosen = catalogue.chosen_model(self._settings, request.model)
        assert chosen is not None  # the catalogue has a default for this type
        return Reader(self._settings.name, chosen)

    def _built(self, request: Request, reader: Reader) -> Built:
        model = reader.model
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        asked = with_defaults(request, self._settings)
        if self._settings.options.get("replayReasoning") is False:
            asked = replace(asked, messages=tuple(map(_without_reasoning, asked.messages)))
        built = build(asked, reader, entry, self._summary)
        tell_dropped(self._settings, model, built.dropped)
        return built

    def _cost(self, answer: ResponseStream) -> Cost | None:
        """Prices are known for the default tier only; another costs a multiple or a fraction of them."""
        dear = self._settings.price is None and answer.service_tier not in _LIST_PRICE_TIERS
        return UNKNOWN_COST if dear else None

    @asynccontextmanager
    async def _opened(self, built: Built, call: Call) -> AsyncGenerator[httpx2.Response]:
        """The response, of status 200, its events still to come; closed however the block is left."""
        client = await self._client.get()
        from openai import AsyncStream

        try:
            async with asyncio.timeout_at(call.deadline):
                source = await client.post(
                    "/responses",
                    content=_json({**built.body, "stream": True}),
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
        except Exception as error:
            raise _ours(error, call.context) from None
        try:
            refuse_page(source.response.headers, call.context)
            yield source.response
        finally:
            await source.close()


def _json(body: Mapping[str, Any]) -> bytes:
    from pydantic_core import to_json

    return to_json(body)


def _summary(settings: ProviderSettings) -> Summary | None:
    wanted = settings.options.get("reasoningSummary")
    if wanted is None or wanted in _SUMMARIES:
        return wanted
    raise ConfigError(
        f"provider {settings.name!r}: there is no reasoningSummary {wanted!r}",
        hint=f"choose one of: {', '.join(_SUMMARIES)}",
    )


def _text(settings: ProviderSettings, option: str) -> str | None:
    value = settings.options.get(option)
    return value if isinstance(value, str) and value else None


def _without_reasoning(message: Message) -> Message:
    return replace(message, parts=tuple(part for part in message.parts if not isinstance(part, Reasoning)))


def _ours(error: Exception, context: CallContext) -> ProviderError:
    """Ours for what the SDK raised. The cause is not chained: it repeats what the service echoed."""
    import openai

    match error:
        case openai.APIStatusError():
            body = error.body if error.body is not None else error.message
            return errors.to_error(error.status_code, body, error.response.headers, context)
        case openai.APIError():
            return transport_error(error, context, streaming=False)
        case _:
            return ours(error, context, streaming=False)
