"""Agents and their versions in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from tamma.errors import StoreError
from tamma.model.agent import Agent, AgentConfig, AgentId, AgentVersion, ConfigHash, VersionState
from tamma.model.agent_json import config_from_json, config_hash, config_to_json
from tamma.store.agent_changes import AgentChanges, Change, Refusal
from tamma.store.codec import canonical_event, check_key
from tamma.store.database import Database, Row

_CHANGE = """
SELECT problem, value, moment FROM change_agent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
_AGENTS = """
SELECT a.id, a.name, a.before, a.deleted, a.revision, a.created_at, a.updated_at,
       max(v.number) FILTER (WHERE v.state = 'active') AS active, max(v.number) AS latest
FROM agents a JOIN agent_versions v ON v.agent_id = a.id
"""
_FIND = f"""{_AGENTS}
WHERE a.id = $1 OR (a.name = $1 AND NOT a.deleted)
GROUP BY a.id ORDER BY a.id = $1 DESC LIMIT 1"""
_LIST = f"""{_AGENTS}
WHERE $1 OR NOT a.deleted GROUP BY a.id ORDER BY a.name COLLATE "C", a.id"""
_VERSION_COLUMNS = "agent_id, number, hash, config, state, author, reason, parent, created_at"
_VERSION = f"SELECT {_VERSION_COLUMNS} FROM agent_versions WHERE agent_id = $1 AND number = $2"  # noqa: S608 - constants
_VERSIONS = f"SELECT {_VERSION_COLUMNS} FROM agent_versions WHERE agent_id = $1 ORDER BY number"  # noqa: S608 - constants
_CONFIG = "SELECT hash, config FROM agent_versions WHERE hash = $1 LIMIT 1"


class Agents(AgentChanges):
    """Implements `AgentStore`. A change is two or three round trips: look, compare and swap."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_agent(self, change: Change) -> datetime | Refusal:
        agent, version = change.agent, change.version
        row = await self._database.fetchrow(
            _CHANGE,
            agent.agent_id,
            agent.revision - 1,
            agent.name,
            list(agent.before),
            agent.deleted,
            agent.active,
            None if version is None else version.number,
            None if version is None else version.hash,
            None if version is None else config_to_json(version.config),
            None if version is None else version.author,
            None if version is None else version.reason,
            None if version is None else version.parent,
            canonical_event(change.event),
        )
        return row["moment"] if row["problem"] is None else Refusal(row["problem"], row["value"])

    async def find_agent(self, name_or_id: str) -> Agent | None:
        rows = await self._database.fetch(_FIND, check_key("the agent", name_or_id))
        return _agent(rows[0]) if rows else None

    async def list_agents(self, *, deleted: bool = False) -> tuple[Agent, ...]:
        return tuple(_agent(row) for row in await self._database.fetch(_LIST, deleted))

    async def read_version(self, agent_id: AgentId, number: int) -> AgentVersion | None:
        check_key("the agent", agent_id)
        rows = await self._database.fetch(_VERSION, agent_id, number)
        return _version(rows[0]) if rows else None

    async def list_versions(self, agent_id: AgentId) -> tuple[AgentVersion, ...]:
        check_key("the agent", agent_id)
        return tuple(_version(row) for row in await self._database.fetch(_VERSIONS, agent_id))

    async def read_config(self, config: ConfigHash) -> AgentConfig | None:
        rows = await self._database.fetch(_CONFIG, check_key("the configuration's hash", config))
        return _config(rows[0]) if rows else None


def _agent(row: Row) -> Agent:
    return Agent(
        agent_id=AgentId(row["id"]),
        name=row["name"],
        active=row["active"],
        latest=row["latest"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted=row["deleted"],
        before=tuple(row["before"]),
    )


def _version(row: Row) -> AgentVersion:
    return AgentVersion(
        agent_id=AgentId(row["agent_id"]),
        number=row["number"],
        config=_config(row),
        hash=ConfigHash(row["hash"]),
        state=VersionState(row["state"]),
        author=row["author"],
        reason=row["reason"],
        parent=row["parent"],
        created_at=row["created_at"],
    )


def _config(row: Row) -> AgentConfig:
    """The stored configuration. A field that this program does not know would be lost without a word, and the
    agent would do something else: the hash tells."""
    config = config_from_json(row["config"])
    if config_hash(config) != row["hash"]:
        raise StoreError(
            f"the agent configuration {row['hash']!r} reads as another one",
            hint="a newer version of tamma wrote it: update this one; or somebody changed it in the database",
        )
    return config
