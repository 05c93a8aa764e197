"""Any server that speaks OpenAI's Chat Completions, over httpx2 and our own SSE: no vendor SDK.

What differs between vendors stands in a `Quirks` profile; an adapter for one is a class of a few lines.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog

from tamma.errors import ConfigError, ModelNotFound, ProviderError, StreamInterrupted
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
from tamma.providers.chat import errors
from tamma.providers.chat.check import CHECK_TIMEOUT, ask_briefly, failed_check
from tamma.providers.chat.messages import build
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.stream import OpenAIStream
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext, context_for, transport_error
from tamma.providers.common.http import check_base_url, check_key, drain, make_client, read_until
from tamma.providers.common.sse import SSEDecoder
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

MAX_ERROR_BYTES = 64 * 1024
"""As much of an error's body as is read."""
_log = structlog.get_logger(__name__)


class OpenAICompatible:
    """A provider behind `/chat/completions`. Subclasses bring their quirks."""

    def __init__(self, settings: ProviderSettings, quirks: Quirks) -> None:
        self._settings = settings
        self._quirks = quirks
        base_url = settings.base_url or quirks.base_url
        if not base_url:
            raise ConfigError(
                f"provider {settings.name!r} of type {settings.type!r} has no base URL",
                hint='set "baseUrl", for example http://127.0.0.1:8080/v1',
            )
        check_base_url(settings, base_url)
        self._base_url = base_url.rstrip("/")
        self._client: httpx2.AsyncClient | None = None
        self._found_model: str | None = None

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Raises AuthFailed where the service wants a key and there is none."""
        if self._client is not None:
            return
        check_key(self._settings, required=self._quirks.key_required)
        self._client = make_client(self._settings, self._base_url)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        model = request.model or await self.default_model()
        context = context_for(self._settings, model, self._base_url)
        deadline = asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)
        async with self._post(self._body(request, model), deadline, context) as response:
            answer = OpenAIStream(
                model,
                response.headers.get("x-request-id"),
                self._quirks,
                tokens.estimate_request(request),
            )
            async with aclosing(self._chunks(response, deadline, context, answer)) as chunks:
                async for chunk in chunks:
                    for event in _translated(answer, chunk, context):
                        yield event
            if not answer.done:
                kind = response.headers.get("content-type", "no content type")
                raise context.error(
                    StreamInterrupted, f"the stream ended without its terminal event ({kind})"
                )
        yield Finish(
            answer.reason,
            answer.usage,
            self._cost(answer),
            answer.served_model,
            answer.request_id,
            answer.native_reason,
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """An estimate: the protocol has no way to ask."""
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs the credential and costs nothing. Where they cannot be listed, ask one."""
        try:
            if self._quirks.models_path is None:
                return await ask_briefly(self, await self.default_model(), self._base_url)
            found = await self.models()
        except ProviderError as error:
            return failed_check(error)
        names = tuple(model.id for model in found)
        return ProviderCheck(True, f"{self._base_url} answers with {len(names)} models", names)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the service offers; none where it cannot say."""
        if self._quirks.models_path is None:
            return ()
        return _listed(await self.get(self._quirks.models_path))

    async def get(self, path: str) -> Any:
        """The parsed answer to a GET of `path`, below the base URL. Raises ProviderError."""
        await self.start()
        assert self._client is not None
        context = context_for(self._settings, self._settings.model or "", self._base_url)
        try:
            async with asyncio.timeout(min(CHECK_TIMEOUT, self._settings.timeout)):
                response = await self._client.get(self._base_url + path, headers=self._headers())
            body = _parsed(response.content)
        except Exception as error:
            raise _ours(error, context, streaming=False) from None
        if response.status_code != 200:
            raise errors.to_error(response.status_code, body, response.headers, context, self._quirks)
        return body

    async def default_model(self) -> str:
        """The configured model, the reviewed default, or the first that the service lists."""
        configured = self._settings.model or catalogue.default_model(self._settings.type)
        if configured:
            return configured
        if self._found_model is None:
            found = await self.models()
            if not found:
                context = context_for(self._settings, "", self._base_url)
                raise context.error(
                    ModelNotFound, "the service lists no models", hint='load one, or set "model"'
                )
            self._found_model = found[0].id
        return self._found_model

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _headers(self) -> dict[str, str]:
        key = {"authorization": f"Bearer {self._settings.api_key}"} if self._settings.api_key else {}
        return {**key, **self._quirks.headers, **self._settings.headers}

    def _body(self, request: Request, model: str) -> dict[str, Any]:
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        built = build(
            replace(request, temperature=temperature),
            model,
            self.capabilities(model),
            self._quirks,
            self._settings.max_output_tokens,
        )
        if built.dropped:
            _log.warning(
                "left out of the request: the model does not take it",
                provider=self._settings.name,
                model=model,
                dropped=list(built.dropped),
            )
        return built.body

    def _cost(self, answer: OpenAIStream) -> Cost:
        if answer.charged is not None and self._settings.price is None:
            return Cost(answer.charged, CostSource.PROVIDER)
        return cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)

    @asynccontextmanager
    async def _post(
        self, body: dict[str, Any], deadline: float, context: CallContext
    ) -> AsyncGenerator[httpx2.Response]:
        """The open response, its status already judged; closed however the block is left."""
        await self.start()
        assert self._client is not None
        request = self._client.build_request(
            "POST", f"{self._base_url}/chat/completions", json=body, headers=self._headers()
        )
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(request, stream=True)
        except Exception as error:
            raise _ours(error, context, streaming=False) from None
        try:
            if response.status_code != 200:
                raise await self._refused(response, deadline, context)
            yield response
        finally:
            await response.aclose()

    async def _refused(
        self, response: httpx2.Response, deadline: float, context: CallContext
    ) -> ProviderError:
        content = b""
        parts = response.aiter_bytes()
        try:
            while len(content) < MAX_ERROR_BYTES and (part := await read_until(deadline, parts, b"")):
                content += part
        except Exception as error:
            return _ours(error, context, streaming=False)
        return errors.to_error(
            response.status_code, _parsed(content), response.headers, context, self._quirks
        )

    async def _chunks(
        self, response: httpx2.Response, deadline: float, context: CallContext, answer: OpenAIStream
    ) -> AsyncGenerator[dict[str, Any]]:
        """The parsed chunks, up to `[DONE]` or the end."""
        parts = response.aiter_bytes()
        if response.headers.get("content-type", "").startswith("application/json"):
            yield await self._whole(parts, deadline, context)
            return
        decoder = SSEDecoder()
        try:
            while part := await read_until(deadline, parts, b"", self._settings.stall_timeout):
                for event in decoder.feed(part):
                    if event.data == "[DONE]":
                        await drain(parts)
                        return
                    if event.data:
                        yield self._judged(json.loads(event.data), context)
            for event in decoder.flush():
                if event.data and event.data != "[DONE]":
                    yield self._judged(json.loads(event.data), context)
        except Exception as error:
            ours = _ours(error, context, streaming=True)
            if answer.done and isinstance(ours, StreamInterrupted):
                return  # all that could still come is the usage, and a second call would cost a second time
            raise ours from None

    async def _whole(
        self, parts: AsyncIterator[bytes], deadline: float, context: CallContext
    ) -> dict[str, Any]:
        """The answer of a server that does not stream although it was asked to."""
        content = b""
        try:
            while part := await read_until(deadline, parts, b""):
                content += part
            return self._judged(json.loads(content), context)
        except Exception as error:
            raise _ours(error, context, streaming=True) from None

    def _judged(self, chunk: object, context: CallContext) -> dict[str, Any]:
        """The chunk, unless it reports an error."""
        if not isinstance(chunk, dict):
            raise context.error(StreamInterrupted, "a part of the stream is not a JSON object")
        known = cast("dict[str, Any]", chunk)
        if (error := errors.in_chunk(known, context, self._quirks)) is not None:
            raise error
        return known


def _translated(answer: OpenAIStream, chunk: dict[str, Any], context: CallContext) -> list[StreamEvent]:
    try:
        return answer.feed(chunk)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # fields of another type
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None


def _listed(body: Any) -> tuple[ModelInfo, ...]:
    """The models of `{"data": [{"id": …}]}`; none where the answer has another shape.

    The window stands under `max_model_len` with vLLM, under `context_length` with OpenRouter and others;
    OpenRouter tells the longest answer, too.
    """
    try:
        return tuple(
            ModelInfo(
                str(entry["id"]),
                _positive(entry.get("max_model_len") or entry.get("context_length")),
                _positive((entry.get("top_provider") or entry).get("max_completion_tokens")),
            )
            for entry in body["data"]
        )
    except (AttributeError, KeyError, TypeError):
        return ()


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _ours(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """Ours for what went wrong below. The cause is not chained: our words hold what is fit to be stored."""
    import httpx2

    match error:
        case ProviderError():
            return error
        case httpx2.HTTPError() | TimeoutError() | json.JSONDecodeError() | UnicodeDecodeError():
            return transport_error(error, context, streaming=streaming)
        case ValueError():  # an event without end
            return context.error(StreamInterrupted, str(error))
        case _:
            raise error
