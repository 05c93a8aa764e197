"""Any server that speaks OpenAI's Chat Completions, over httpx2 and our own SSE: no vendor SDK.

What differs between vendors stands in a `Quirks` profile; an adapter for one is a class of a few lines.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from tamma.errors import ConfigError, ModelNotFound, ProviderError, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Cost,
    CostSource,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import load_price_data
from tamma.providers.chat import errors
from tamma.providers.chat.messages import build
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.stream import OpenAIStream
from tamma.providers.common import tokens
from tamma.providers.common.answers import check_done, finish_of, object_of, translated
from tamma.providers.common.calls import ASIDE_TIMEOUT, call_for, event_data, fetched, opened, whole
from tamma.providers.common.checking import ask_briefly, check_by_models, failed_check
from tamma.providers.common.errors import CallContext, context_for, host_of
from tamma.providers.common.http import check_base_url, check_key, drain, headers_with_key, make_client
from tamma.providers.common.once import Once
from tamma.providers.common.requests import tell_dropped, with_defaults
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2


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
        self._client = Once(self._make_client)
        self._found_model: str | None = None

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Raises AuthFailed where the service wants a key and there is none."""
        await self._client.get()

    def _make_client(self) -> httpx2.AsyncClient:
        check_key(self._settings, required=self._quirks.key_required)
        load_price_data(self._settings.type)
        return make_client(self._settings, self._base_url)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        client = await self._client.get()
        model = request.model or await self.default_model()
        call = call_for(self._settings, model, self._base_url, request.timeout)
        url, body = f"{self._base_url}/chat/completions", self._body(request, model)
        asked = client.build_request("POST", url, json=body, headers=self._headers())
        async with opened(client, asked, call, self._refused) as response:
            answer = OpenAIStream(
                model,
                response.headers.get("x-request-id"),
                self._quirks,
                tokens.estimate_request(request),
            )
            parts = response.aiter_bytes()
            streams = not response.headers.get("content-type", "").startswith("application/json")
            complete = False
            try:
                async with aclosing((event_data if streams else whole)(parts, call)) as texts:
                    async for text in texts:
                        if text == "[DONE]":
                            await drain(parts)
                            break
                        chunk = object_of(text, call.context)
                        if (error := errors.in_chunk(chunk, call.context, self._quirks)) is not None:
                            raise error
                        for event in translated(answer.feed, chunk, call.context):
                            yield event
                        complete = answer.done
            except StreamInterrupted:
                if not complete:  # else only the usage could still come, and asking again costs again
                    raise
            check_done(answer, response.headers, call.context)
        yield finish_of(answer, self._settings, self._cost(answer))

    async def count_tokens(self, request: Request) -> TokenCount:
        """An estimate: the protocol has no way to ask."""
        return TokenCount(tokens.estimate_request(request), estimated=True)

    def capabilities(self, model: str) -> Capabilities:
        return catalogue.capabilities_for(self._settings, model)

    async def check(self) -> ProviderCheck:
        """List the models: needs the credential and costs nothing. Where they cannot be listed, ask one."""
        where = host_of(self._base_url)
        if self._quirks.models_path is not None:
            return await check_by_models(self, where)
        try:
            return await ask_briefly(self, await self.default_model(), where)
        except ProviderError as error:
            return failed_check(error)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the service offers; none where it cannot say."""
        if self._quirks.models_path is None:
            return ()
        return _listed(await self.get(self._quirks.models_path))

    async def get(self, path: str) -> Any:
        """The parsed answer to a GET of `path`, below the base URL. Raises ProviderError."""
        client = await self._client.get()
        call = call_for(self._settings, self._settings.model or "", self._base_url, ASIDE_TIMEOUT)
        asked = client.build_request("GET", self._base_url + path, headers=self._headers())
        return await fetched(client, asked, call, self._refused)

    async def default_model(self) -> str:
        """The configured model, the reviewed default, or the first that the service lists."""
        if configured := catalogue.chosen_model(self._settings, ""):
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
        if (client := self._client.take()) is not None:
            await client.aclose()

    def _headers(self) -> dict[str, str]:
        return headers_with_key(self._settings, self._quirks.headers)

    def _body(self, request: Request, model: str) -> dict[str, Any]:
        able = self.capabilities(model)
        built = build(with_defaults(request, self._settings), model, able, self._quirks)
        tell_dropped(self._settings, model, built.dropped)
        return built.body

    def _cost(self, answer: OpenAIStream) -> Cost | None:
        """What the service says that it charged."""
        if answer.charged is None or self._settings.price is not None:
            return None
        return Cost(answer.charged, CostSource.PROVIDER)

    def _refused(
        self, status: int, body: object, headers: Mapping[str, str], context: CallContext
    ) -> ProviderError:
        return errors.to_error(status, body, headers, context, self._quirks)


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
