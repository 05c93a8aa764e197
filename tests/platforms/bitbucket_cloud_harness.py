"""How Bitbucket Cloud names things, and who may ask it for what."""

from __future__ import annotations

from dataclasses import replace

from tamma.model.repository import ReviewEvent
from tamma.platforms.interface import PlatformSettings
from tests.platforms.forge_harness import ForgeHarness
from tests.support.forge.faces.bitbucket_cloud.common import BASE
from tests.support.forge.faces.bitbucket_cloud.face import EMAIL
from tests.support.forge.server import ApiServer


class BitbucketCloudHarness(ForgeHarness):
    """The bot is an administrator, who alone may ask what others may do."""

    def __init__(self, name: str, server: ApiServer, adapter: str) -> None:
        super().__init__(name, server, adapter)
        self.hello.members[self.world.bot] = "admin"

    def settings(self, plain: PlatformSettings) -> PlatformSettings:
        return replace(plain, base_url=f"{plain.base_url}{BASE}", username=EMAIL)

    async def review(self, number: str, event: ReviewEvent, body: str, author: str = "writer") -> None:
        """A verdict has no words: they are a comment beside it."""
        pull = self.hello.pull(self.number(number))
        if body:
            self.hello.comment(pull, body, author)
        if event is not ReviewEvent.COMMENT:
            await super().review(number, event, "", author)
