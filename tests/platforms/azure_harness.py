"""The handle on Azure DevOps: people are addresses, and a review without a verdict is only a comment."""

from __future__ import annotations

from dataclasses import replace

from tamma.model.repository import ReviewEvent
from tamma.platforms.interface import PlatformSettings
from tests.platforms.forge_harness import ForgeHarness
from tests.support.forge.faces.azure.common import ORGANIZATION
from tests.support.forge.server import ApiServer


class AzureHarness(ForgeHarness):
    """A world's owner is a project of one organization, which the base address names."""

    def settings(self, plain: PlatformSettings) -> PlatformSettings:
        return replace(plain, base_url=f"{plain.base_url}/{ORGANIZATION}")

    def __init__(self, name: str, server: ApiServer, adapter: str) -> None:
        super().__init__(name, server, adapter)
        self.workflow = self.hello.workflows[0].name

    def login(self, name: str) -> str:
        return self.world.account(name).email

    async def review(self, number: str, event: ReviewEvent, body: str, author: str = "writer") -> None:
        """Without a verdict it is somebody's text that says of itself what it is, as ours do."""
        if event is not ReviewEvent.COMMENT:
            await super().review(number, event, body, author)
            return
        pull = self.hello.pull(self.number(number))
        said = self.hello.comment(pull, body, author)
        said.extra["properties"] = {"Tamma.ReviewEvent": event.value}
