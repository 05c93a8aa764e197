"""OpenCode's Zen gateway: one key for many vendors' models, each behind its own vendor's protocol.

The model's name decides the protocol; the adapter of that protocol does the work, made on first use.
Source: opencode.ai/docs/zen, "Endpoints", and the gateway's own error classes, 2026-11.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from tamma.errors import InvalidRequest, ProviderError
from tamma.model.conversation import (
    UNKNOWN_COST,
    Capabilities,
    CostSource,
    Finish,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.chat.errors import OPENCODE
from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common.checking import ask_briefly, failed_check
from tamma.providers.common.errors import context_for
from tamma.providers.common.http import check_base_url, check_key
from tamma.providers.interface import Provider, ProviderSettings

BASE_URL = "https://opencode.ai/zen/v1"
OPTION = "gateway"
"""The option of a provider of type `opencode` that chooses this class: `{"gateway": "zen"}`."""
MODEL_PREFIX = "opencode/"
"""How OpenCode's own configuration names these models; the gateway wants them without it."""
CHAT = Quirks(base_url=BASE_URL)

Family = Literal["messages", "responses", "google", "chat", "evaluation"]
"""The protocol of a model: Anthropic's, OpenAI's, Google's, the compatible one; or none of ours."""
_FAMILIES: Mapping[str, Family] = {
    "claude-": "messages",
    "qwen": "messages",
    "gpt-": "responses",
    "grok-": "responses",
    "muse-spark-": "responses",
    "gemini-": "google",
    "jev-": "evaluation",
}


def family_of(model: str) -> Family:
    """The protocol that the gateway speaks for `model`, named as the gateway names it."""
    for prefix, family in _FAMILIES.items():
        if model.startswith(prefix):
            return family
    return "chat"


def _messages(settings: ProviderSettings) -> Provider:
    from tamma.providers.anthropic.provider import AnthropicClaude

    return AnthropicClaude(settings, error_codes=OPENCODE)


def _responses(settings: ProviderSettings) -> Provider:
    from tamma.providers.openai.provider import OpenAI

    return OpenAI(settings)


def _google(settings: ProviderSettings) -> Provider:
    from tamma.providers.gemini.provider import Gemini

    return Gemini(settings)


def _chat(settings: ProviderSettings) -> Provider:
    return OpenAICompatible(settings, CHAT)


@dataclass(frozen=True, slots=True)
class _Protocol:
    adapter: Callable[[ProviderSettings], Provider]
    provider_type: str
    """Whose figures in the catalogue."""
    drop_version: bool = False
    """Whether the adapter adds the version to its base URL itself."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])


_PROTOCOLS: Mapping[Family, _Protocol] = {
    "messages": _Protocol(_messages, "anthropic-claude", drop_version=True),
    "responses": _Protocol(_responses, "openai"),
    "google": _Protocol(_google, "gemini", drop_version=True, options={"apiVersion": "v1"}),
    "chat": _Protocol(_chat, "opencode-zen"),
}


class Zen:
    """A provider that hands each call to the adapter of its model's protocol.

    The gateway's prices are its own: what a call cost is unknown unless the configuration has a price.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._base_url = (settings.base_url or BASE_URL).rstrip("/")
        check_base_url(settings, self._base_url)
        self._adapters: dict[Family, Provider] = {}

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Look whether there is a key; the adapters start when they are first asked."""
        check_key(self._settings, required=True)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        await self.start()
        request = await self._addressed(request)
        async with aclosing(self.adapter(request.model).stream(request)) as events:
            async for event in events:
                if isinstance(event, Finish) and event.cost.source is CostSource.PRICES:
                    yield replace(event, cost=UNKNOWN_COST)  # a vendor's own price
                else:
                    yield event

    async def count_tokens(self, request: Request) -> TokenCount:
        await self.start()
        request = await self._addressed(request)
        return await self.adapter(request.model).count_tokens(request)

    def capabilities(self, model: str) -> Capabilities:
        """As the catalogue has them for the vendor whose protocol it is."""
        family = family_of(model.removeprefix(MODEL_PREFIX))
        kind = _PROTOCOLS[family if family in _PROTOCOLS else "chat"].provider_type
        found = catalogue.capabilities_for(
            replace(self._settings, type=kind), model.removeprefix(MODEL_PREFIX)
        )
        return replace(found, model=model)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that Tamma can ask. The gateway tells its list to anybody."""
        listed = await self._compatible().models()
        return tuple(model for model in listed if family_of(model.id) in _PROTOCOLS)

    async def check(self) -> ProviderCheck:
        """Ask a model a few tokens: the configured one, or the first listed of the compatible protocol."""
        try:
            listed = await self.models()
            first = next((model.id for model in listed if family_of(model.id) == "chat"), "")
            told = await ask_briefly(self, self._settings.model or first, self._base_url)
        except ProviderError as error:
            return failed_check(error)
        return replace(told, models=tuple(model.id for model in listed))

    async def close(self) -> None:
        adapters, self._adapters = self._adapters, {}
        for adapter in adapters.values():
            await adapter.close()

    async def _addressed(self, request: Request) -> Request:
        """`request` with the gateway's own name of its model."""
        model = request.model or self._settings.model or await self._compatible().default_model()
        return replace(request, model=model.removeprefix(MODEL_PREFIX))

    def adapter(self, model: str) -> Provider:
        """What answers for `model`, made once and not started. Raises InvalidRequest where nothing does."""
        family = family_of(model)
        if family not in _PROTOCOLS:
            context = context_for(self._settings, model, self._base_url)
            raise context.error(
                InvalidRequest,
                f"a model of the kind {family!r} answers no conversation",
                hint="choose another",
            )
        if family not in self._adapters:
            self._adapters[family] = self._made(family)
        return self._adapters[family]

    def _made(self, family: Family) -> Provider:
        """The adapter for a protocol. Imports no SDK."""
        protocol = _PROTOCOLS[family]
        options = {name: value for name, value in self._settings.options.items() if name != OPTION}
        settings = replace(
            self._settings,
            type=protocol.provider_type,
            base_url=self._base_url.removesuffix("/v1") if protocol.drop_version else self._base_url,
            options={**options, **protocol.options},
        )
        return protocol.adapter(settings)

    def _compatible(self) -> OpenAICompatible:
        return cast("OpenAICompatible", self.adapter(""))
