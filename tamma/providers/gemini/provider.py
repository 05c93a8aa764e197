"""Google's Gemini API (the one with an API key, not Vertex AI).

What google-genai 3.4 does well is left to it: listing the models. Answers and token counts go over httpx2 and
our own SSE instead, because in the SDK, read and measured:

* `aclose()` on its stream leaves the HTTP response open, so a call that was given up goes on and is paid;
* a chunk costs seven times as much: JSON is read, written and read again, then copied into models;
* it goes on by itself with a second request where an answer is long (`automatic_continuation`);
* `count_tokens` refuses system prompt and tools for this API, and half of an agent's prompt is those.

The tests hold our request against the one that the SDK would send.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

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
from tamma.model.foreign import read_json
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of, load_price_data
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext, context_for, host_of, transport_error
from tamma.providers.common.http import DRAIN_TIMEOUT, check_base_url, check_key, make_client, read_until
from tamma.providers.common.sse import SSEDecoder
from tamma.providers.gemini import errors, sdk
from tamma.providers.gemini.messages import build
from tamma.providers.gemini.stream import GeminiStream
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
MAX_ERROR_BYTES = 16 * 1024
"""As much of an error's body as is read."""
TAIL_PARTS = 16
"""Network reads in which an error that ends a stream surely fits."""
_KEY_HEADERS = frozenset({"authorization", "x-goog-api-key"})
_log = structlog.get_logger(__name__)


class Gemini:
    """Gemini models. `headers` are sent along, for gateways that want others, and the option `apiVersion`
    is for those that serve another version of the API."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        base_url = settings.base_url or DEFAULT_BASE_URL
        check_base_url(settings, base_url)
        self._version = str(settings.options.get("apiVersion") or sdk.API_VERSION)
        self._base_url = base_url.rstrip("/").removesuffix(f"/{self._version}")
        self._client: httpx2.AsyncClient | None = None
        self._starting = asyncio.Lock()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Raises AuthFailed where there is no key: none is taken from the environment."""
        async with self._starting:
            if self._client is None:
                check_key(self._settings, required=not _KEY_HEADERS & self._headers().keys())
                self._client = await asyncio.to_thread(self._make_client)

    def _make_client(self) -> httpx2.AsyncClient:
        load_price_data()  # takes a while: not in the middle of an answer
        return make_client(self._settings, self._base_url)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask Gemini; see `tamma.providers.interface`. Closing the generator closes the connection."""
        model = self._model(request)
        context = context_for(self._settings, model, self._base_url)
        deadline = self._deadline(request)
        answer = GeminiStream(model, tokens.estimate_request(request))
        post = self._post(
            model, "streamGenerateContent?alt=sse", self._body(request, model), deadline, context
        )
        async with post as response, aclosing(self._chunks(response, deadline, context, answer)) as chunks:
            async for chunk in chunks:
                for event in _translated(answer, chunk, context):
                    yield event
        if not answer.done:
            kind = response.headers.get("content-type", "no content type")
            raise context.error(StreamInterrupted, f"the stream ended without its terminal event ({kind})")
        cost = cost_of(self._settings.type, answer.served_model, answer.usage, self._settings.price)
        yield Finish(
            answer.reason, answer.usage, cost, answer.served_model, answer.request_id, answer.native_reason
        )

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        model = self._model(request)
        context = context_for(self._settings, model, self._base_url)
        asked = {"generateContentRequest": {"model": _path(model), **self._body(request, model)}}
        deadline = self._deadline(request)
        try:
            async with self._post(model, "countTokens", asked, deadline, context) as response:
                counted = read_json((await _read(response, deadline)).decode())
            return TokenCount(int(cast("Any", counted)["totalTokens"]), estimated=False)
        except Exception as error:
            ours = _ours(error, context, streaming=False)
            if isinstance(ours, ModelNotFound):
                return TokenCount(tokens.estimate_request(request), estimated=True)
            raise ours from None

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
        """The models that generate content. Raises ConfigError where google-genai is not installed."""
        context = context_for(self._settings, self._settings.model or "", self._base_url)
        try:
            await self.start()
            assert self._client is not None
            async with asyncio.timeout(min(sdk.TIMEOUT, self._settings.timeout)):
                return await sdk.list_models(
                    self._base_url, self._version, self._settings.api_key, self._headers(), self._client
                )
        except Exception as error:
            if answered := sdk.refusal(error):
                raise errors.to_error(*answered, context) from None
            raise _ours(error, context, streaming=False) from None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _model(self, request: Request) -> str:
        chosen = request.model or self._settings.model or catalogue.default_model(self._settings.type)
        assert chosen is not None  # the catalogue has a default for this type
        return chosen.removeprefix("models/")

    def _headers(self) -> dict[str, str]:
        """The configured headers, in lower case, so that one can stand in for the key's."""
        return {name.lower(): value for name, value in self._settings.headers.items()}

    def _deadline(self, request: Request) -> float:
        return asyncio.get_running_loop().time() + min(request.timeout, self._settings.timeout)

    def _body(self, request: Request, model: str) -> dict[str, Any]:
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        temperature = request.temperature if request.temperature is not None else self._settings.temperature
        asked = replace(request, temperature=temperature)
        built = build(asked, model, entry, self._settings.max_output_tokens)
        if built.dropped:
            _log.warning(
                "left out of the request: the model does not take it",
                provider=self._settings.name,
                model=model,
                dropped=list(built.dropped),
            )
        return built.body

    @asynccontextmanager
    async def _post(
        self, model: str, method: str, body: dict[str, Any], deadline: float, context: CallContext
    ) -> AsyncGenerator[httpx2.Response]:
        """The open response, its status already judged; closed however the block is left."""
        await self.start()
        assert self._client is not None
        key = {"x-goog-api-key": self._settings.api_key} if self._settings.api_key else {}
        asked = self._client.build_request(
            "POST",
            f"{self._base_url}/{self._version}/{quote(_path(model))}:{method}",
            json=body,
            headers={**key, **self._headers()},
        )
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(asked, stream=True)
        except Exception as error:
            raise _ours(error, context, streaming=False) from None
        try:
            if response.status_code != 200:
                raise await _refused(response, deadline, context)
            yield response
        finally:
            await response.aclose()

    async def _chunks(
        self, response: httpx2.Response, deadline: float, context: CallContext, answer: GeminiStream
    ) -> AsyncGenerator[dict[str, Any]]:
        """The parsed chunks, to the end of the response or, once the answer is done, for a moment more."""
        parts = response.aiter_bytes()
        decoder = SSEDecoder()
        tail: deque[bytes] = deque(maxlen=TAIL_PARTS)
        clock = asyncio.get_running_loop().time
        try:
            while part := await read_until(deadline, parts, b"", self._settings.stall_timeout):
                tail.append(part)
                for event in decoder.feed(part):
                    yield _judged(event.data, context)
                if answer.done:  # the usage may still come; the connection can serve again after the end
                    deadline = min(deadline, clock() + DRAIN_TIMEOUT)
            for event in decoder.flush():
                yield _judged(event.data, context)
        except Exception as error:
            if answer.done:
                return  # asking again would be paid again
            raise _ours(error, context, streaming=True) from None
        if not answer.done and (refusal := errors.stray_error(b"".join(tail))) is not None:
            raise errors.to_error(200, refusal, {}, context)


def _path(model: str) -> str:
    """The model as a resource, e.g. `models/gemini-3.8-flash`; tuned ones come with their own prefix."""
    return model if "/" in model else f"models/{model}"


def _judged(data: str, context: CallContext) -> dict[str, Any]:
    """The chunk, unless it reports an error: those come with status 200 once the answer has begun."""
    chunk = read_json(data)
    if not isinstance(chunk, dict):
        raise context.error(StreamInterrupted, "a part of the stream is not a JSON object")
    known = cast("dict[str, Any]", chunk)
    if "error" in known:
        raise errors.to_error(200, known, {}, context)
    return known


def _translated(answer: GeminiStream, chunk: dict[str, Any], context: CallContext) -> list[StreamEvent]:
    try:
        return answer.feed(chunk)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # fields of another type
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None


async def _read(response: httpx2.Response, deadline: float, limit: int | None = None) -> bytes:
    """The body, or its beginning up to about `limit` bytes."""
    content = b""
    parts = response.aiter_bytes()
    while (limit is None or len(content) < limit) and (part := await read_until(deadline, parts, b"")):
        content += part
    return content


async def _refused(response: httpx2.Response, deadline: float, context: CallContext) -> ProviderError:
    try:
        content = await _read(response, deadline, MAX_ERROR_BYTES)
    except Exception as error:
        return _ours(error, context, streaming=False)
    try:
        body: object = json.loads(content)
    except ValueError:
        body = content.decode(errors="replace")
    return errors.to_error(response.status_code, body, response.headers, context)


def _ours(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """Ours for what went wrong below. The cause is not chained: our words hold what is fit to be stored."""
    import httpx2

    match error:
        case ProviderError():
            return error
        case httpx2.HTTPError() | TimeoutError() | json.JSONDecodeError() | UnicodeDecodeError():
            return transport_error(error, context, streaming=streaming)
        case (
            ValueError() | RecursionError() | LookupError() | TypeError() | AttributeError()
        ):  # a strange body
            return context.error(StreamInterrupted, f"a part of the answer is not readable ({error})")
        case _:
            raise error
