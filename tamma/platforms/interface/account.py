"""Accounts as the rest of Tamma holds them, and what a type of platform declares to have some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tamma.model.repository import Identity, RateLimit
from tamma.platforms.interface.forge import Forge
from tamma.platforms.interface.settings import PlatformSettings
from tamma.platforms.interface.tracker import IssueTracker


class Platform(IssueTracker, Forge, Protocol):
    """A configured account on a Git platform."""

    @property
    def settings(self) -> PlatformSettings: ...

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        ...

    async def capabilities(self) -> frozenset[str]:
        """Of this type and, where that matters, of the server's version, which is asked once."""
        ...

    async def server_version(self) -> str:
        """What the server says it is; empty for services that say nothing."""
        ...

    async def check_credentials(self) -> Identity:
        """Raises BadCredentials."""
        ...

    async def rate_limit(self) -> RateLimit:
        """As the service says, or said last; empty where it never does."""
        ...

    async def close(self) -> None: ...


class Tracker(IssueTracker, Protocol):
    """A configured account of a service that has issues alone, such as Jira."""

    @property
    def settings(self) -> PlatformSettings: ...

    async def start(self) -> None: ...

    async def capabilities(self) -> frozenset[str]: ...

    async def server_version(self) -> str: ...

    async def check_credentials(self) -> Identity: ...

    async def rate_limit(self) -> RateLimit: ...

    async def close(self) -> None: ...


class PlatformPlugin(Protocol):
    """What a type of platform declares. A third party's is the target of an entry point `tamma.platforms`."""

    @property
    def name(self) -> str:
        """The type's name: `platformType` of a configuration entry."""
        ...

    @property
    def version(self) -> str: ...

    def create_platform(self, settings: PlatformSettings) -> Platform:
        """A platform that is not started yet. Imports no SDK and makes no call. Raises ConfigError."""
        ...

    def validate_config(self, settings: PlatformSettings) -> Sequence[str]:
        """What is wrong with `settings`, one sentence each; empty where nothing is. Makes no call."""
        ...

    def detect_from_url(self, url: str) -> bool:
        """Whether the address of a repository, issue or pull request is on a host of this type.

        Told by the address alone, which holds no credentials. Makes no call. Raises ConfigError where a third
        party's cannot be asked.
        """
        ...
