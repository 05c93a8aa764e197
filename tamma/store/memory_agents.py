"""Agents and their versions in memory."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime

from tamma.model.agent import Agent, AgentConfig, AgentId, AgentVersion, ConfigHash, VersionState
from tamma.store.agent_changes import AgentChanges, Change, Refusal
from tamma.store.codec import check_key
from tamma.store.interface import AppendCondition, NewEvent


class MemoryAgents(AgentChanges):
    """Implements `AgentStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._agents: dict[AgentId, Agent] = {}
        self._versions: dict[AgentId, list[AgentVersion]] = {}

    @abstractmethod
    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int: ...

    async def put_agent(self, change: Change) -> datetime | Refusal:
        agent, version = change.agent, change.version
        held = self._agents.get(agent.agent_id)
        revision = 0 if held is None else held.revision
        if revision != agent.revision - 1:
            return Refusal("revision", revision)
        if not agent.deleted and any(
            other.name == agent.name and not other.deleted and other.agent_id != agent.agent_id
            for other in self._agents.values()
        ):
            return Refusal("name", agent.revision)
        moment = datetime.now(UTC)
        # First, and it never suspends: where the event cannot be written nothing is changed.
        await self.append_events((change.event,))
        versions = self._versions.setdefault(agent.agent_id, [])
        if version is not None:
            versions.append(replace(version, created_at=moment))
        self._versions[agent.agent_id] = [_in_state(each, agent.active) for each in versions]
        created = moment if held is None else held.created_at
        self._agents[agent.agent_id] = replace(agent, created_at=created, updated_at=moment)
        return moment

    async def find_agent(self, name_or_id: str) -> Agent | None:
        check_key("the agent", name_or_id)
        if (agent := self._agents.get(AgentId(name_or_id))) is not None:
            return agent
        named = (each for each in self._agents.values() if each.name == name_or_id and not each.deleted)
        return next(named, None)

    async def list_agents(self, *, deleted: bool = False) -> tuple[Agent, ...]:
        found = [agent for agent in self._agents.values() if deleted or not agent.deleted]
        return tuple(sorted(found, key=lambda agent: (agent.name, agent.agent_id)))

    async def read_version(self, agent_id: AgentId, number: int) -> AgentVersion | None:
        check_key("the agent", agent_id)
        versions = self._versions.get(agent_id, [])
        return versions[number - 1] if 0 < number <= len(versions) else None

    async def list_versions(self, agent_id: AgentId) -> tuple[AgentVersion, ...]:
        check_key("the agent", agent_id)
        return tuple(self._versions.get(agent_id, ()))

    async def read_config(self, config: ConfigHash) -> AgentConfig | None:
        check_key("the configuration's hash", config)
        every = (version for versions in self._versions.values() for version in versions)
        return next((version.config for version in every if version.hash == config), None)


def _in_state(version: AgentVersion, active: int | None) -> AgentVersion:
    match version.state:
        case VersionState.ACTIVE if version.number != active:
            return replace(version, state=VersionState.RETIRED)
        case VersionState.DRAFT | VersionState.RETIRED if version.number == active:
            return replace(version, state=VersionState.ACTIVE)
        case _:
            return version
