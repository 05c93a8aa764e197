"""Anthropic's Messages API, through the official SDK: the default provider.

The request is written as JSON here and handed to the SDK's `post`: its `create` copies the whole conversation
node by node before it writes it, 3 ms more a call at 100 turns of 8 kB. Its stream decoder is used, not the
`.stream()` helper, which costs twice as much per chunk. The SDK does not notice a stream that ends early;
`AnthropicStream.done` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ModelNotFound, ProviderError, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.anthropic import errors
from tamma.providers.anthropic.messages import Built, build
from tamma.providers.anthropic.stream import AnthropicStream
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of, load_price_data
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext, context_for, host_of, transport_error
from tamma.providers.common.http import check_base_url, check_key, drain, make_client, read_until
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

DEFAULT_BASE_URL = "https://api.anthropic.com"
_KEY_HEADERS = frozenset({"authorization", "x-api-key"})
_log = structlog.get_logger(__name__)


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
        self._client: AsyncAnthropic | None = None
        self._starting = asyncio.Lock()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Import the SDK (about a second, off the event loop) and make the client.

        Raises AuthFailed where there is no key: the SDK would go looking for one in the environment.
        """
        async with self._starting:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make_client)

    def _make_client(self) -> AsyncAnthropic:
        settings = self._settings
        has_key_header = any(name.lower() in _KEY_HEADERS for name in settings.headers)
        check_key(settings, required=not has_key_header)
        from anthropic import AsyncAnthropic

        load_price_data()  # takes a while: not in the middle of an answer

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
        context = context_for(self._settings, model, self._base_url)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        source = await self._open(self._built(request, model), deadline, context)
        answer = AnthropicStream(model, source.response.headers.get("request-id"))
        events = aiter(source)
        try:
            while (event := await _next(events, deadline, context, self._error_codes)) is not None:
                for ours in _translated(answer, event, context):
                    yield ours
                if answer.done:
                    await drain(events)
                    break
        finally:
            await source.close()
        if not answer.done:
            kind = source.response.headers.get("content-type", "no content type")
            raise context.error(StreamInterrupted, f"the stream ended without its terminal event ({kind})")
        cost = cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)
        request_id = source.response.headers.get("request-id")
        yield Finish(answer.reason, answer.usage, cost, answer.served_model, request_id, answer.native_reason)

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        await self.start()
        model = self._model(request)
        context = context_for(self._settings, model, self._base_url)
        arguments = self._built(request, model).arguments
        del arguments["max_tokens"]
        assert self._client is not None
        try:
            async with asyncio.timeout(min(request.timeout, self._settings.timeout)):
                count = await self._client.messages.count_tokens(**cast("Any", arguments))
        except Exception as error:
            ours = _ours(error, context, self._error_codes, streaming=False)
            if isinstance(ours, ModelNotFound):
                return TokenCount(tokens.estimate_request(request), estimated=True)
            raise ours from None
        return TokenCount(count.input_tokens, estimated=False)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs a valid key and costs nothing."""
        try:
            found = await self.models()
        except ProviderError as error:
            return ProviderCheck(False, f"{error}. {error.hint}" if error.hint else str(error))
        names = tuple(model.id for model in found)
        return ProviderCheck(True, f"{host_of(self._base_url)} answers with {len(names)} models", names)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the key may use, newest first; up to 1,000, more than there are."""
        context = context_for(self._settings, self._settings.model or "", self._base_url)
        try:
            await self.start()
            assert self._client is not None
            async with asyncio.timeout(min(30.0, self._settings.timeout)):
                page = await self._client.models.list(limit=1000)
        except Exception as error:
            raise _ours(error, context, self._error_codes, streaming=False) from None
        return tuple(
            ModelInfo(model.id, model.max_input_tokens or None, model.max_tokens or None)
            for model in page.data
        )

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _model(self, request: Request) -> str:
        chosen = request.model or self._settings.model or catalogue.default_model(self._settings.type)
        assert chosen is not None  # the catalogue has a default for this type
        return chosen

    def _built(self, request: Request, model: str) -> Built:
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        built = build(
            replace(request, temperature=temperature),
            model,
            entry,
            self._settings.max_output_tokens,
            drop_changed_thinking=self._settings.options.get("dropChangedThinking") is True,
        )
        if built.dropped:
            _log.warning(
                "left out of the request: the model does not take it",
                provider=self._settings.name,
                model=model,
                dropped=list(built.dropped),
            )
        return built

    async def _open(
        self, built: Built, deadline: float, context: CallContext
    ) -> AsyncStream[RawMessageStreamEvent]:
        assert self._client is not None
        from anthropic import AsyncStream
        from anthropic.types import Message, RawMessageStreamEvent

        headers, body = encode(built)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._client.post(
                    "/v1/messages",
                    content=body,
                    cast_to=Message,
                    options={"headers": headers},
                    stream=True,
                    stream_cls=AsyncStream[RawMessageStreamEvent],
                )
        except Exception as error:
            raise _ours(error, context, self._error_codes, streaming=False) from None


def encode(built: Built) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a streamed request, as `messages.create` would send them."""
    from pydantic_core import to_json

    arguments = dict(built.arguments)
    headers = cast("dict[str, str]", arguments.pop("extra_headers", {}))
    extra = cast("dict[str, object]", arguments.pop("extra_body", {}))
    return headers, to_json({**arguments, "stream": True, **extra})


async def _next(
    events: Any, deadline: float, context: CallContext, own: Mapping[str, type[ProviderError]] | None
) -> RawMessageStreamEvent | None:
    try:
        return await read_until(deadline, events, None)
    except Exception as error:
        raise _ours(error, context, own, streaming=True) from None


def _translated(
    answer: AnthropicStream, event: RawMessageStreamEvent, context: CallContext
) -> tuple[StreamEvent, ...]:
    try:
        return answer.feed(event)
    except (AttributeError, TypeError, ValueError) as error:  # fields missing or of another type
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None


def _ours(
    error: Exception,
    context: CallContext,
    own: Mapping[str, type[ProviderError]] | None,
    *,
    streaming: bool,
) -> ProviderError:
    """Ours for what the SDK raised. The cause is not chained: it repeats what the service echoed."""
    import anthropic
    import httpx2

    match error:
        case ProviderError():
            return error
        case anthropic.APIStatusError():
            return errors.to_error(
                error.status_code, error.body, error.response.headers, context, error.message, own
            )
        case (
            anthropic.APIError()
            | httpx2.HTTPError()
            | TimeoutError()
            | json.JSONDecodeError()
            | UnicodeDecodeError()
        ):
            return transport_error(error, context, streaming=streaming)
        case _:
            raise error
