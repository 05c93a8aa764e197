"""Gitea and Forgejo under the contract suite."""

from __future__ import annotations

from tests.platforms.forge_harness import ForgeHarness


class GiteaHarness(ForgeHarness):
    """A label has to be made before it can be given; elsewhere it comes with its first use, in one step."""

    def changes(self) -> int:
        return super().changes() - self.world.effects["label_made"]
