"""The fake that ships: a whole platform in memory (or one JSON file), over real bare Git repositories.

Branches, commits and merges are real Git, so pushes by git arrive. Every writing call that returns is a line
in a ledger with the effect it had, and faults can be asked for: crash tests count and strike with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.repository import Identity, Ignored, RateLimit, WebhookEvent
from tamma.platforms.interface import CAPABILITIES
from tamma.platforms.memory import webhooks
from tamma.platforms.memory.branches import MemoryBranches
from tamma.platforms.memory.ci import MemoryCi
from tamma.platforms.memory.issues import MemoryIssues
from tamma.platforms.memory.people import MemoryPeople
from tamma.platforms.memory.pulls import MemoryPulls
from tamma.platforms.memory.reviews import MemoryReviews
from tamma.platforms.memory.scene import AUTHOR


class MemoryPlatform(MemoryIssues, MemoryBranches, MemoryPulls, MemoryReviews, MemoryCi, MemoryPeople):
    """The platform `memory`. Its options:

    * `repositories`: {"owner/name": path of a bare repository}
    * `issues`: {"owner/name": {number: Markdown}}, to begin with
    * `archived`: ["owner/name"]; `users`: logins that can be assigned and asked (absent: everybody)
    * `checks`: the state of commits nobody reported on (none, pending, success, failure)
    * `runs`: the state of runs that are triggered (pending until `finish_run`, or at once another)
    * `computing`: so many looks at a pull request find that its mergeability is still being computed
    * `mergesLater`: a merge is pending for so many further calls
    * `longest`: characters a text may have
    * `state`: path of the JSON file; `ledger`: path; `faults`: see faults
    """

    async def start(self) -> None:
        """Nothing to make."""

    async def close(self) -> None:
        """Nothing to close."""

    async def capabilities(self) -> frozenset[str]:
        return CAPABILITIES

    async def server_version(self) -> str:
        return ""

    async def check_credentials(self) -> Identity:
        return Identity(AUTHOR)

    async def rate_limit(self) -> RateLimit:
        return RateLimit()

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)
