"""Agents and their versions."""

from __future__ import annotations

from typing import Protocol

from tamma.model.agent import Agent, AgentConfig, AgentId, AgentVersion, ConfigHash


class AgentStore(Protocol):
    """Versions are only ever added; what changes is which one is active. Whoever changes an agent says which
    revision he saw and gets StoreConflict where somebody was quicker. Agents are found by id or by name.

    Every change appends its event in the same transaction: `agent.created`, `agent.version_added`,
    `agent.activated`, `agent.rolled_back`, `agent.renamed`, `agent.deleted`, tagged `agent:<id>`, its data
    with `name`, `reason` and, where it is about one, `version` and `hash`. What there is not is a StoreError.
    """

    async def create_agent(
        self, agent_id: AgentId, name: str, config: AgentConfig, *, author: str, reason: str
    ) -> AgentVersion:
        """A new agent with version 1, a draft. The same again is done already. Raises StoreConflict for a
        taken name."""
        ...

    async def add_version(
        self,
        agent_id: AgentId,
        config: AgentConfig,
        *,
        parent: int | None,
        author: str,
        reason: str,
        revision: int,
    ) -> AgentVersion:
        """A new draft. A configuration that is the latest version's is that version, and nothing is added."""
        ...

    async def activate(
        self, agent_id: AgentId, number: int, *, author: str, reason: str, revision: int
    ) -> Agent:
        """Make a version the active one; the one that was is retired. Active already: nothing happens.

        A version of `Agent.before` is a rollback: those that were activated after it are undone.
        """
        ...

    async def rename_agent(
        self, agent_id: AgentId, name: str, *, revision: int, author: str = "", reason: str = ""
    ) -> Agent: ...

    async def delete_agent(
        self, agent_id: AgentId, *, revision: int, author: str = "", reason: str = ""
    ) -> None:
        """Hide it and free its name; no version is active then. Its versions stay: runs refer to them."""
        ...

    async def find_agent(self, name_or_id: str) -> Agent | None:
        """By id (deleted ones too), or by the name of one that is not deleted."""
        ...

    async def list_agents(self, *, deleted: bool = False) -> tuple[Agent, ...]:
        """By name; with `deleted`, the deleted ones too."""
        ...

    async def read_version(self, agent_id: AgentId, number: int) -> AgentVersion | None: ...

    async def list_versions(self, agent_id: AgentId) -> tuple[AgentVersion, ...]:
        """Oldest first."""
        ...

    async def read_config(self, config: ConfigHash) -> AgentConfig | None:
        """The configuration of that content, whichever agent has it."""
        ...
