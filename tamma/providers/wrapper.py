"""What wraps a provider and is one: everything passes through, a subclass changes what it is for."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tamma.model.conversation import (
    Capabilities,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.interface import Provider, ProviderSettings, settled


class Wrapper:
    """A provider around `inner`."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner

    @property
    def settings(self) -> ProviderSettings:
        return self.inner.settings

    async def start(self) -> None:
        await self.inner.start()

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        return self.inner.stream(request)

    async def settle(self, model: str) -> str:
        return await settled(self.inner, model)

    async def count_tokens(self, request: Request) -> TokenCount:
        return await self.inner.count_tokens(request)

    def capabilities(self, model: str) -> Capabilities:
        return self.inner.capabilities(model)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await self.inner.models()

    async def check(self) -> ProviderCheck:
        return await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()
