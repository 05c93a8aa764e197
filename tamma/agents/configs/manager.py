"""Agents made, changed and looked up: the specification's `IAgentConfigManager`.

Each change is a new version with an author and a reason; nothing is ever written over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tamma.agents.configs.contexts import Fit, fits
from tamma.agents.configs.facts import Facts, provider_name
from tamma.agents.configs.findings import Finding, refuse
from tamma.agents.configs.naming import AgentRef, check_name, parse_ref, unknown
from tamma.agents.configs.validation import validate
from tamma.errors import ConfigError
from tamma.model.agent import Agent, AgentConfig, AgentId, AgentPin, AgentVersion
from tamma.model.ids import uuid7
from tamma.store.interface import AgentStore


@dataclass(frozen=True, slots=True)
class Found:
    """An agent, and the version of it that was meant."""

    agent: Agent
    version: AgentVersion

    @property
    def label(self) -> str:
        return f"{self.agent.name}@{self.version.number}"

    @property
    def pin(self) -> AgentPin:
        """What a run holds on to."""
        return AgentPin(self.agent.agent_id, self.agent.name, self.version.number, self.version.hash)


class AgentConfigs:
    """Over a store. `facts` says what is known of the world that a configuration names."""

    def __init__(self, store: AgentStore, facts: Callable[[AgentConfig], Facts]) -> None:
        self._store = store
        self._facts = facts

    async def create(self, name: str, config: AgentConfig, *, author: str, reason: str) -> Found:
        """A new agent with a draft. Raises ConfigError where the configuration is wrong, StoreConflict for a
        taken name."""
        check_name(name)
        config = self.settled(config)
        refuse(self.validate(config))
        version = await self._store.create_agent(AgentId(uuid7()), name, config, author=author, reason=reason)
        return Found(await self._agent(version.agent_id), version)

    async def update(self, seen: Found, config: AgentConfig, *, author: str, reason: str) -> Found:
        """A new draft, made from the version that was seen. Raises StoreConflict where somebody was quicker,
        ConfigError where the configuration is wrong or nothing changes."""
        config = self.settled(config)
        refuse(self.validate(config))
        if config == seen.version.config:
            raise ConfigError(f"nothing was changed: {seen.label} is just so")
        version = await self._store.add_version(
            seen.agent.agent_id,
            config,
            parent=seen.version.number,
            author=author,
            reason=reason,
            revision=seen.agent.revision,
        )
        return Found(await self._agent(version.agent_id), version)

    async def activate(self, seen: Found, *, author: str, reason: str) -> Agent:
        """Make a version the one that new runs use. Raises ConfigError where it cannot work here."""
        refuse(self.validate(seen.version.config))
        return await self._store.activate(
            seen.agent.agent_id,
            seen.version.number,
            author=author,
            reason=reason,
            revision=seen.agent.revision,
        )

    async def rollback(self, name: str, *, to: int | None = None, author: str, reason: str) -> Agent:
        """Go back to the version that was active before, or to version `to`.

        That version is not checked again: it has worked, and whoever goes back is in a hurry.
        """
        agent = await self.find_agent(name)
        if to is None and not agent.before:
            raise ConfigError(
                f"no version of {agent.name!r} was active before",
                hint="name one: --to N; `tamma agent show` lists",
            )
        number = agent.before[-1] if to is None else to
        if number == agent.active:
            raise ConfigError(f"{agent.name}@{number} is the active version already")
        return await self._store.activate(
            agent.agent_id, number, author=author, reason=reason, revision=agent.revision
        )

    async def delete(self, name: str, *, author: str, reason: str) -> Agent:
        """Hide an agent and free its name; its versions stay, for runs refer to them."""
        agent = await self.find_agent(name)
        await self._store.delete_agent(agent.agent_id, revision=agent.revision, author=author, reason=reason)
        return agent

    async def get(self, text: str) -> Found:
        """The version that `NAME@N` names; of `NAME` alone the active one, or the newest where none is."""
        ref = parse_ref(text)
        agent = await self._named(ref)
        number = ref.version or agent.active or agent.latest
        version = await self._store.read_version(agent.agent_id, number)
        if version is None:
            raise ConfigError(
                f"{agent.name!r} has no version {number}", hint=f"its versions are 1 to {agent.latest}"
            )
        return Found(agent, version)

    async def active(self, text: str) -> Found:
        """As `get`, but `NAME` alone is the active version and no other: what a run may use."""
        found = await self.get(text)
        if parse_ref(text).version is None and found.agent.active is None:
            raise ConfigError(
                f"no version of {found.agent.name!r} is active",
                hint=f"`tamma agent activate {found.agent.name}@{found.agent.latest} --reason ...`, "
                f"or name {found.agent.name}@{found.agent.latest}",
            )
        return found

    async def find_agent(self, name: str) -> Agent:
        """Raises ConfigError with the nearest name."""
        ref = parse_ref(name)
        if ref.version is not None:
            raise ConfigError(f"{name!r} names a version, an agent is wanted", hint=f"write {ref.name}")
        return await self._named(ref)

    async def list(self) -> tuple[Found, ...]:
        """Every agent with its active version, or its newest where none is."""
        agents = await self._store.list_agents()
        return tuple([await self.get(agent.agent_id) for agent in agents])

    async def versions(self, agent: Agent) -> tuple[AgentVersion, ...]:
        """Oldest first."""
        return await self._store.list_versions(agent.agent_id)

    def validate(self, config: AgentConfig) -> tuple[Finding, ...]:
        """What is wrong, strange or unknown about a configuration, here and now."""
        config = self.settled(config)
        return validate(config, self._facts(config))

    def fits(self, config: AgentConfig) -> tuple[Fit, ...]:
        """Whether it can do each kind of work."""
        config = self.settled(config)
        return fits(config, self._facts(config))

    def settled(self, config: AgentConfig) -> AgentConfig:
        """The configuration with the provider's true name, where a short word stands for it."""
        return replace(config, provider=provider_name(config.provider, self._facts(config).providers))

    async def _named(self, ref: AgentRef) -> Agent:
        agent = await self._store.find_agent(ref.name)
        if agent is None:
            raise unknown(ref, [each.name for each in await self._store.list_agents()])
        return agent

    async def _agent(self, agent_id: AgentId) -> Agent:
        agent = await self._store.find_agent(agent_id)
        assert agent is not None, agent_id  # versions and agents are never removed
        return agent
