"""OpenAI's Responses API, through the official SDK.

The request is written as JSON here and handed to the SDK's `post`, and the stream's events are taken as plain
JSON (`AsyncStream[object]`). The SDK's `responses.create` makes models of every event instead, at four times
the cost a chunk, and copies the whole conversation node by node before it writes it. The SDK does not notice
a stream that ends early; `ResponseStream.done` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ConfigError, InvalidRequest, ModelNotFound, ProviderError, StreamInterrupted
from tamma.model.conversation import (
    UNKNOWN_COST,
    Capabilities,
    Cost,
    Finish,
    Message,
    ModelInfo,
    ProviderCheck,
    Reasoning,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of, load_price_data
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext, context_for, host_of, transport_error
from tamma.providers.common.http import check_base_url, check_key, drain, make_client, read_until
from tamma.providers.interface import ProviderSettings
from tamma.providers.openai import errors
from tamma.providers.openai.messages import Built, Reader, Summary, build
from tamma.providers.openai.stream import ResponseStream

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

DEFAULT_BASE_URL = "https://api.openai.com/v1"
CHECK_TIMEOUT = 30.0
_KEY_HEADERS = frozenset({"authorization", "api-key"})
_SUMMARIES = ("auto", "concise", "detailed")
_LIST_PRICE_TIERS = frozenset({None, "auto", "default"})
_COUNTED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"}
)
"""The fields of a request that the service's count takes."""
_log = structlog.get_logger(__name__)


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
        self._client: AsyncOpenAI | None = None
        self._starting = asyncio.Lock()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Import the SDK (half a second, off the event loop) and make the client.

        Raises AuthFailed where there is no key: the SDK would go looking for one in the environment.
        """
        async with self._starting:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make_client)

    def _make_client(self) -> AsyncOpenAI:
        settings = self._settings
        has_key_header = any(name.lower() in _KEY_HEADERS for name in settings.headers)
        check_key(settings, required=not has_key_header)
        try:
            from openai import AsyncOpenAI
        except ModuleNotFoundError:
            raise ConfigError(
                f"provider {settings.name!r} needs OpenAI's SDK, which is not installed",
                hint="pip install 'tamma[openai]'",
            ) from None

        load_price_data()  # takes a while: not in the middle of an answer

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
        reader = Reader(self._settings.name, self._model(request))
        context = context_for(self._settings, reader.model, self._base_url)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        source = await self._open(self._built(request, reader), deadline, context)
        headers = source.response.headers
        answer = ResponseStream(reader, headers.get("x-request-id"))
        patience = self._settings.stall_timeout
        try:
            while (event := await _next(source, deadline, context, patience)) is not None:
                for ours in _translated(answer, event, context):
                    yield ours
                if answer.failure is not None:
                    raise errors.to_error(200, answer.failure, headers, context)
                if answer.done:
                    await drain(source)
                    break
        finally:
            await source.close()
        if not answer.done:
            kind = headers.get("content-type", "no content type")
            raise context.error(StreamInterrupted, f"the stream ended without its terminal event ({kind})")
        yield Finish(
            answer.reason,
            answer.usage,
            self._cost(answer),
            answer.served_model,
            answer.request_id,
            answer.native_reason,
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        await self.start()
        reader = Reader(self._settings.name, self._model(request))
        context = context_for(self._settings, reader.model, self._base_url)
        built = self._built(request, reader)
        counted = {name: value for name, value in built.body.items() if name in _COUNTED}
        assert self._client is not None
        try:
            async with asyncio.timeout(min(request.timeout, self._settings.timeout)):
                # What `responses.input_tokens.count` does, without loading the models of the whole API.
                answer = await self._client.post(
                    "/responses/input_tokens", content=_json(counted), cast_to=object
                )
        except Exception as error:
            ours = _ours(error, context, streaming=False)
            if isinstance(ours, ModelNotFound):
                return TokenCount(tokens.estimate_request(request), estimated=True)
            raise ours from None
        found = cast("Mapping[str, object]", answer).get("input_tokens") if isinstance(answer, dict) else None
        if not isinstance(found, int):
            raise context.error(InvalidRequest, "the service's count of tokens is not readable")
        return TokenCount(found, estimated=False)

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
        """The models that the key may use. The service tells no limits of theirs."""
        context = context_for(self._settings, self._settings.model or "", self._base_url)
        try:
            await self.start()
            assert self._client is not None
            async with asyncio.timeout(min(CHECK_TIMEOUT, self._settings.timeout)):
                page = await self._client.models.list()
        except Exception as error:
            raise _ours(error, context, streaming=False) from None
        return tuple(ModelInfo(model.id) for model in page.data)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _model(self, request: Request) -> str:
        chosen = request.model or self._settings.model or catalogue.default_model(self._settings.type)
        assert chosen is not None  # the catalogue has a default for this type
        return chosen

    def _built(self, request: Request, reader: Reader) -> Built:
        model = reader.model
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        messages = request.messages
        if self._settings.options.get("replayReasoning") is False:
            messages = tuple(map(_without_reasoning, messages))
        built = build(
            replace(request, temperature=temperature, messages=messages),
            reader,
            entry,
            self._settings.max_output_tokens,
            self._summary,
        )
        if built.dropped:
            _log.warning(
                "left out of the request: the model does not take it",
                provider=self._settings.name,
                model=model,
                dropped=list(built.dropped),
            )
        return built

    def _cost(self, answer: ResponseStream) -> Cost:
        """Prices are known for the default tier only; another costs a multiple or a fraction of them."""
        if self._settings.price is None and answer.service_tier not in _LIST_PRICE_TIERS:
            return UNKNOWN_COST
        return cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)

    async def _open(self, built: Built, deadline: float, context: CallContext) -> AsyncStream[object]:
        assert self._client is not None
        from openai import AsyncStream

        try:
            async with asyncio.timeout_at(deadline):
                return await self._client.post(
                    "/responses",
                    content=_json({**built.body, "stream": True}),
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
        except Exception as error:
            raise _ours(error, context, streaming=False) from None


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


async def _next(
    source: AsyncStream[object], deadline: float, context: CallContext, patience: float
) -> object:
    try:
        return await read_until(deadline, source, None, patience)
    except Exception as error:
        raise _ours(error, context, streaming=True) from None


def _translated(answer: ResponseStream, event: object, context: CallContext) -> list[StreamEvent]:
    try:
        return answer.feed(cast("Mapping[str, Any]", event))
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # fields missing or of another type
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None


def _ours(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """Ours for what the SDK raised. The cause is not chained: it repeats what the service echoed."""
    import httpx2
    import openai

    match error:
        case ProviderError():
            return error
        case openai.APIStatusError():
            body = error.body if error.body is not None else error.message
            return errors.to_error(error.status_code, body, error.response.headers, context)
        case openai.APIError(body=body) if body is not None:  # an error inside the stream
            return errors.to_error(200, body, {}, context)
        case (
            openai.APIError()
            | httpx2.HTTPError()
            | TimeoutError()
            | json.JSONDecodeError()
            | UnicodeDecodeError()
        ):
            return transport_error(error, context, streaming=streaming)
        case _:
            raise error
