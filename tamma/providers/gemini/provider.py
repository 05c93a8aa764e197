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
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tamma.errors import ModelNotFound, ProviderError, StreamInterrupted
from tamma.model.conversation import Capabilities, ModelInfo, ProviderCheck, Request, StreamEvent, TokenCount
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import load_price_data
from tamma.providers.common import tokens
from tamma.providers.common.answers import STRANGE, check_done, finish_of, object_of, translated
from tamma.providers.common.calls import call_for, event_data, fetched, opened, ours
from tamma.providers.common.checking import check_by_models
from tamma.providers.common.errors import CallContext, host_of
from tamma.providers.common.http import DRAIN_TIMEOUT, check_base_url, check_key, make_client
from tamma.providers.common.once import Once
from tamma.providers.common.requests import tell_dropped, with_defaults
from tamma.providers.gemini import errors, sdk
from tamma.providers.gemini.messages import build
from tamma.providers.gemini.stream import GeminiStream
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
TAIL_PARTS = 16
"""Network reads in which an error that ends a stream surely fits."""
_KEY_HEADERS = frozenset({"authorization", "x-goog-api-key"})


class Gemini:
    """Gemini models. `headers` are sent along, for gateways that want others, and the option `apiVersion`
    is for those that serve another version of the API."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        base_url = settings.base_url or DEFAULT_BASE_URL
        check_base_url(settings, base_url)
        self._version = str(settings.options.get("apiVersion") or sdk.API_VERSION)
        self._base_url = base_url.rstrip("/").removesuffix(f"/{self._version}")
        self._client = Once(self._make_client)

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Raises AuthFailed where there is no key: none is taken from the environment."""
        await self._client.get()

    def _make_client(self) -> httpx2.AsyncClient:
        check_key(self._settings, headers=_KEY_HEADERS)
        load_price_data(self._settings.type)
        return make_client(self._settings, self._base_url)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask Gemini; see `tamma.providers.interface`. Closing the generator closes the connection."""
        client = await self._client.get()
        model = self._model(request)
        call = call_for(self._settings, model, self._base_url, request.timeout)
        asked = self._request(client, model, "streamGenerateContent?alt=sse", self._body(request, model))
        async with opened(client, asked, call, errors.to_error) as response:
            answer = GeminiStream(model, tokens.estimate_request(request))
            tail: deque[bytes] = deque(maxlen=TAIL_PARTS)
            complete = False
            try:
                async with aclosing(event_data(response.aiter_bytes(), call, tail.append)) as texts:
                    async for text in texts:
                        chunk = object_of(text, call.context)
                        if "error" in chunk:  # with status 200, once the answer has begun
                            raise errors.to_error(200, chunk, {}, call.context)
                        for event in translated(answer.feed, chunk, call.context):
                            yield event
                        if answer.done:  # the usage may still come, and the connection serve again
                            complete = True
                            call.hurry(DRAIN_TIMEOUT)
            except ProviderError:
                if not complete:  # else asking again would be paid again
                    raise
            if not complete and (refusal := errors.stray_error(b"".join(tail))) is not None:
                raise errors.to_error(200, refusal, {}, call.context)
        check_done(answer, response.headers, call.context)
        yield finish_of(answer, self._settings)

    async def count_tokens(self, request: Request) -> TokenCount:
        """The service's count; an estimate where a compatible gateway has no such endpoint."""
        client = await self._client.get()
        model = self._model(request)
        call = call_for(self._settings, model, self._base_url, request.timeout)
        body = {"generateContentRequest": {"model": _path(model), **self._body(request, model)}}
        asked = self._request(client, model, "countTokens", body)
        try:
            counted: Any = await fetched(client, asked, call, errors.to_error)
            return TokenCount(int(counted["totalTokens"]), estimated=False)
        except ModelNotFound:
            return TokenCount(tokens.estimate_request(request), estimated=True)
        except STRANGE as error:
            raise _unreadable(error, call.context) from None

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs a valid key and costs nothing."""
        return await check_by_models(self, host_of(self._base_url))

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that generate content. Raises ConfigError where google-genai is not installed."""
        client = await self._client.get()
        call = call_for(self._settings, self._settings.model or "", self._base_url, sdk.TIMEOUT)
        headers = self._headers()
        try:
            async with asyncio.timeout_at(call.deadline):
                return await sdk.list_models(
                    self._base_url, self._version, self._settings.api_key, headers, client
                )
        except (*STRANGE, RecursionError) as error:
            raise _unreadable(error, call.context) from None
        except Exception as error:
            if answered := sdk.refusal(error):
                raise errors.to_error(*answered, call.context) from None
            raise ours(error, call.context, streaming=False) from None

    async def close(self) -> None:
        if (client := self._client.take()) is not None:
            await client.aclose()

    def _model(self, request: Request) -> str:
        chosen = catalogue.chosen_model(self._settings, request.model)
        assert chosen is not None  # the catalogue has a default for this type
        return chosen.removeprefix("models/")

    def _headers(self) -> dict[str, str]:
        """The configured headers, in lower case, so that one can stand in for the key's."""
        return {name.lower(): value for name, value in self._settings.headers.items()}

    def _body(self, request: Request, model: str) -> dict[str, Any]:
        entry = replace(catalogue.lookup(self._settings.type, model), capabilities=self.capabilities(model))
        built = build(with_defaults(request, self._settings), model, entry)
        tell_dropped(self._settings, model, built.dropped)
        return built.body

    def _request(
        self, client: httpx2.AsyncClient, model: str, method: str, body: dict[str, Any]
    ) -> httpx2.Request:
        key = {"x-goog-api-key": self._settings.api_key} if self._settings.api_key else {}
        url = f"{self._base_url}/{self._version}/{quote(_path(model))}:{method}"
        return client.build_request("POST", url, json=body, headers={**key, **self._headers()})


def _path(model: str) -> str:
    """The model as a resource, e.g. `models/gemini-3.8-flash`; tuned ones come with their own prefix."""
    return model if "/" in model else f"models/{model}"


def _unreadable(error: Exception, context: CallContext) -> ProviderError:
    return context.error(StreamInterrupted, f"the answer is not readable ({error!r})")
