"""GitHub's adapter as a third party's, in a process of its own: the whole suite across the boundary."""

from __future__ import annotations

from contextlib import ExitStack

from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.plugins.hosted import HostedPlugin
from tamma.registry import Entry
from tests.platforms.forge_harness import ForgeHarness
from tests.support.plugins import PLATFORM, importable

_ENTRY = Entry("sample-github", "sample_platform.github:PLUGIN", "1.2.3", "sample-platform")


class HostedHarness(ForgeHarness):
    """The plugin is looked for where its project stands, while the harness is open."""

    def make(self, settings: PlatformSettings) -> Platform:
        if not hasattr(self, "_found"):
            self._found = ExitStack()
            self._found.enter_context(importable(PLATFORM.source))
        return HostedPlugin(_ENTRY).create_platform(settings)

    async def close(self) -> None:
        await super().close()
        self._found.close()
