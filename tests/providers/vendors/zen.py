"""The Zen gateway, over each of its protocols: the name of the model decides."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

from tamma.model.conversation import Request, StreamEvent
from tamma.providers.interface import Provider
from tamma.providers.opencode.zen import Zen
from tamma.providers.wrapper import Wrapper
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import Vendor, settings_for
from tests.providers.vendors.chat import LocalVendor
from tests.providers.vendors.gemini import GeminiVendor
from tests.providers.vendors.openai import OpenAIVendor

CHAT_MODEL = "glm-5.3"


def zen_listing() -> object:
    """One body for both calls of a check: the list of models, and the whole answer of one of them."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    return {"data": [{"id": "m1"}, {"id": "jev-1.13"}], "model": "m1", "choices": [choice]}


def zen(url: str, **settings: Any) -> Zen:
    # No model of its own: the suites name one in each request.
    options = {"gateway": "zen", **settings.pop("options", {})}
    return Zen(settings_for("opencode", url, **{"model": None, "options": options, **settings}))


class Asking(Wrapper):
    """Has each request answered by `model`, whatever it names: the suites name a Claude model."""

    def __init__(self, inner: Provider, model: str) -> None:
        super().__init__(inner)
        self._model = model

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        return self.inner.stream(replace(request, model=self._model))


@dataclass(frozen=True)
class ZenChatVendor(LocalVendor):
    name: str = "opencode-zen-chat"
    models_answer: object = field(default_factory=zen_listing)

    def provider(self, url: str, **settings: Any) -> Provider:  # type: ignore[override]
        return Asking(zen(url, **settings), CHAT_MODEL)


@dataclass(frozen=True)
class ZenMessagesVendor(AnthropicVendor):
    name: str = "opencode-zen-messages"
    models_answer: object = field(default_factory=zen_listing)

    def provider(self, url: str, **settings: Any) -> Provider:  # type: ignore[override]
        return zen(url, **settings)


@dataclass(frozen=True)
class ZenResponsesVendor(OpenAIVendor):
    name: str = "opencode-zen-responses"
    models_answer: object = field(default_factory=zen_listing)

    def provider(self, url: str, **settings: Any) -> Provider:  # type: ignore[override]
        return Asking(zen(url, **settings), "gpt-5.4")


@dataclass(frozen=True)
class ZenGeminiVendor(GeminiVendor):
    name: str = "opencode-zen-gemini"
    models_answer: object = field(default_factory=zen_listing)

    def provider(self, url: str, **settings: Any) -> Provider:  # type: ignore[override]
        return Asking(zen(url, **settings), "gemini-3.8-flash")


VENDORS: list[Vendor] = [ZenChatVendor(), ZenMessagesVendor(), ZenResponsesVendor(), ZenGeminiVendor()]
