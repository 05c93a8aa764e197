"""The process that a provider of a third party runs in: `python -m tamma.providers.plugins.child`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from tamma.model.conversation import Capabilities, Request
from tamma.plugins.child import main
from tamma.plugins.messages import Problems
from tamma.providers.interface import Provider, ProviderPlugin, ProviderSettings
from tamma.providers.plugins import messages
from tamma.providers.plugins.kind import KIND


class ProviderWork:
    """One plugin, and at most one provider of it."""

    def __init__(self) -> None:
        self._plugin: ProviderPlugin | None = None
        self._provider: Provider | None = None

    def take(self, plugin: ProviderPlugin) -> None:
        """See `tamma.plugins.child.Work`."""
        self._plugin = plugin

    async def answers(self, message: object) -> AsyncGenerator[object]:
        """See `tamma.plugins.child.Work`."""
        match message:
            case messages.Validate(settings):
                yield Problems(tuple(str(problem) for problem in self._loaded.validate_config(settings)))
            case messages.Open(settings):
                yield await self._open(settings)
            case Request():
                yield self._opened.capabilities(message.model)
                async with aclosing(self._opened.stream(message)) as events:
                    async for event in events:
                        yield event
            case messages.Count(request):
                yield await self._opened.count_tokens(request)
            case messages.ListModels():
                yield messages.Models(tuple(await self._opened.models()))
            case messages.Check():
                yield await self._opened.check()
            case _:
                raise ValueError(f"nobody calls for a {type(message).__name__}")

    async def close(self) -> None:
        """See `tamma.plugins.child.Work`."""
        if self._provider is not None:
            await self._provider.close()

    async def _open(self, settings: ProviderSettings) -> Capabilities:
        self._provider = self._loaded.create_provider(settings)
        await self._provider.start()
        return self._provider.capabilities(settings.model or "")

    @property
    def _loaded(self) -> ProviderPlugin:
        assert self._plugin is not None
        return self._plugin

    @property
    def _opened(self) -> Provider:
        assert self._provider is not None
        return self._provider


if __name__ == "__main__":
    main(KIND, ProviderWork())
