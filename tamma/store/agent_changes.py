"""What a change makes of an agent: the same for every store, which only has to put it in place.

Each change is worked out from the agent as it was seen, and is stored only if it still has that revision,
together with its event. So of two who change an agent at once one wins, and the other is told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from tamma.errors import StoreConflict, StoreError
from tamma.model.agent import Agent, AgentConfig, AgentId, AgentVersion, VersionState
from tamma.model.agent_json import config_from_json, config_hash, config_to_json
from tamma.model.foreign import SURROGATE
from tamma.model.ids import uuid7
from tamma.store.codec import check_key
from tamma.store.interface import NewEvent

CREATED = "agent.created"
VERSION_ADDED = "agent.version_added"
ACTIVATED = "agent.activated"
ROLLED_BACK = "agent.rolled_back"
RENAMED = "agent.renamed"
DELETED = "agent.deleted"

_UNSTORED = datetime.min.replace(tzinfo=UTC)
"""Stands for the time of a change until the store says it."""


@dataclass(frozen=True, slots=True)
class Change:
    """An agent as it shall be, its revision one up, with a new version (a draft) or none, and the event."""

    agent: Agent
    event: NewEvent
    version: AgentVersion | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was stored: the agent is at another revision (0: there is none), or the name is taken."""

    problem: Literal["revision", "name"]
    revision: int


class AgentChanges(ABC):
    """The changing half of `AgentStore`, over what a store must bring."""

    @abstractmethod
    async def put_agent(self, change: Change) -> datetime | Refusal:
        """Store the change if the agent's revision is the one before it; returns the time of the change."""

    @abstractmethod
    async def find_agent(self, name_or_id: str) -> Agent | None: ...

    @abstractmethod
    async def read_version(self, agent_id: AgentId, number: int) -> AgentVersion | None: ...

    async def create_agent(
        self, agent_id: AgentId, name: str, config: AgentConfig, *, author: str, reason: str
    ) -> AgentVersion:
        draft = _draft(agent_id, 1, config, author, reason, None)
        check_key("the agent's name", name)
        agent = Agent(agent_id, name, None, 1, 1, _UNSTORED, _UNSTORED)
        done = await self._created_already(agent, draft)
        if done is not None:
            return done
        outcome = await self.put_agent(Change(agent, _event(CREATED, agent, author, reason, draft), draft))
        if isinstance(outcome, Refusal):
            # Somebody was quicker. It may have been the same call, made twice.
            done = await self._created_already(agent, draft)
            if done is not None:
                return done
            raise name_taken(name)
        return replace(draft, created_at=outcome)

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
        agent = await self._present(agent_id)
        draft = _draft(agent_id, agent.latest + 1, config, author, reason, parent)
        latest = await self.read_version(agent_id, agent.latest)
        if latest is not None and latest.hash == draft.hash:
            return latest
        if parent is not None and not 0 < parent <= agent.latest:
            raise no_version(agent, parent)
        after = replace(agent, latest=draft.number)
        event = _event(VERSION_ADDED, agent, author, reason, draft)
        moment = (await self._put(agent, revision, Change(after, event, draft))).updated_at
        return replace(draft, created_at=moment)

    async def activate(
        self, agent_id: AgentId, number: int, *, author: str, reason: str, revision: int
    ) -> Agent:
        agent = await self._present(agent_id)
        if agent.active == number:
            return agent
        version = await self.read_version(agent_id, number)
        if version is None:
            raise no_version(agent, number)
        kind, before = course(agent, number)
        after = replace(agent, active=number, before=before)
        event = _event(kind, agent, _checked(author), _checked(reason, "reason"), version, agent.active)
        return await self._put(agent, revision, Change(after, event))

    async def rename_agent(
        self, agent_id: AgentId, name: str, *, revision: int, author: str = "", reason: str = ""
    ) -> Agent:
        agent = await self._present(agent_id)
        if agent.name == name:
            return agent
        after = replace(agent, name=check_key("the agent's name", name))
        event = _event(RENAMED, after, _checked(author), _checked(reason, "reason"))
        return await self._put(agent, revision, Change(after, event))

    async def delete_agent(
        self, agent_id: AgentId, *, revision: int, author: str = "", reason: str = ""
    ) -> None:
        agent = await self.find_agent(agent_id)
        if agent is None or agent.agent_id != agent_id:
            raise no_agent(agent_id)
        if agent.deleted:
            return
        after = replace(agent, active=None, before=(), deleted=True)
        event = _event(DELETED, agent, _checked(author), _checked(reason, "reason"))
        await self._put(agent, revision, Change(after, event))

    async def _put(self, seen: Agent, revision: int, change: Change) -> Agent:
        if seen.revision != revision:
            raise was_quicker(seen, revision, seen.revision)
        change = replace(change, agent=replace(change.agent, revision=revision + 1))
        outcome = await self.put_agent(change)
        match outcome:
            case Refusal(problem="name"):
                raise name_taken(change.agent.name)
            case Refusal():
                raise was_quicker(seen, revision, outcome.revision)
            case _:
                return replace(change.agent, updated_at=outcome)

    async def _present(self, agent_id: AgentId) -> Agent:
        agent = await self.find_agent(agent_id)
        if agent is None or agent.agent_id != agent_id or agent.deleted:
            raise no_agent(agent_id)
        return agent

    async def _created_already(self, agent: Agent, draft: AgentVersion) -> AgentVersion | None:
        """The first version, where the agent was created just so; StoreConflict where the id is another's."""
        stored = await self.find_agent(agent.agent_id)
        if stored is None or stored.agent_id != agent.agent_id:
            return None
        first = await self.read_version(agent.agent_id, 1)
        if stored.name == agent.name and first is not None and first.hash == draft.hash:
            return first
        raise StoreConflict(
            f"the id {agent.agent_id!r} is that of the agent {stored.name!r}", hint="take a new id"
        )


def course(agent: Agent, number: int) -> tuple[str, tuple[int, ...]]:
    """Which event it is to make a version the active one, and what rollbacks go back to after it.

    A version that is in `before` is gone back to, and what lay between is undone; any other goes on top. So
    after 1, 2, back to 1, then 3, the next rollback leads to 1 and not to 2.
    """
    if number in agent.before:
        return ROLLED_BACK, agent.before[: agent.before.index(number)]
    return ACTIVATED, agent.before if agent.active is None else (*agent.before, agent.active)


def was_quicker(agent: Agent, revision: int, stands: int) -> StoreConflict:
    return StoreConflict(
        f"the agent {agent.name!r} is at revision {stands}, this change was made from revision {revision}",
        hint="somebody changed it meanwhile: look at it again and decide anew",
    )


def name_taken(name: str) -> StoreConflict:
    return StoreConflict(
        f"there is an agent {name!r} already", hint="take another name, or add a version to that agent"
    )


def no_agent(agent_id: str) -> StoreError:
    return StoreError(f"there is no agent {agent_id!r}", hint="list them, deleted ones too")


def no_version(agent: Agent, number: int) -> StoreError:
    return StoreError(
        f"the agent {agent.name!r} has no version {number}", hint=f"its versions are 1 to {agent.latest}"
    )


def _draft(
    agent_id: AgentId, number: int, config: AgentConfig, author: str, reason: str, parent: int | None
) -> AgentVersion:
    for key in (config.provider, config.model or "", *(config.tools or ())):
        check_key("the configuration's", key)
    for name, text in config.prompts.items():
        check_key("the prompt's name", name)
        if "\x00" in text or SURROGATE.search(text):
            raise StoreError(
                f"the prompt {name!r} holds U+0000 or half a character, which cannot be stored",
                hint="write it again as plain UTF-8",
            )
    try:
        # As it will be read: it must not be stored otherwise, and nobody can change it afterwards.
        config = config_from_json(config_to_json(config))
    except ValueError as error:
        raise StoreError(f"the agent's configuration could not be read again: {error}") from error
    return AgentVersion(
        agent_id=agent_id,
        number=number,
        config=config,
        hash=config_hash(config),
        state=VersionState.DRAFT,
        author=_checked(author),
        reason=_checked(reason, "reason"),
        parent=parent,
        created_at=_UNSTORED,
    )


def _checked(text: str, what: str = "author") -> str:
    return check_key(f"the {what}", text)


def _event(
    kind: str,
    agent: Agent,
    author: str,
    reason: str,
    version: AgentVersion | None = None,
    instead_of: int | None = None,
) -> NewEvent:
    data: dict[str, object] = {"name": agent.name, "reason": reason}
    tags = [f"agent:{agent.agent_id}"]
    if version is not None:
        data |= {"version": version.number, "hash": version.hash, "parent": version.parent}
        tags.append(f"config:{version.hash}")
    if kind in (ACTIVATED, ROLLED_BACK):
        data["instead_of"] = instead_of
    # The id is new with every call: a statement repeated after a broken connection is known by it.
    return NewEvent(uuid7(), kind, tuple(tags), author, data, correlation_id=agent.agent_id)
