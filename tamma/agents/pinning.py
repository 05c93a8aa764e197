"""From the name of an agent to the version that a run works with, from its beginning to its end."""

from __future__ import annotations

from tamma.agents.configs.naming import parse_ref, unknown
from tamma.errors import ConfigError
from tamma.model.agent import Agent, AgentVersion
from tamma.model.task import AgentChoice
from tamma.store.interface import AgentStore


def pin(agent: Agent, version: AgentVersion, *, fixed: bool = False) -> AgentChoice:
    """The choice of a version: nothing that happens to the agent afterwards changes what it names.

    No other provider takes its place: what a version is worth would not be known. `fixed`: no live A/B test
    gives the run another version, because a person named this one.
    """
    config = version.config
    return AgentChoice(
        provider=config.provider,
        model=config.model,
        temperature=config.parameters.temperature,
        max_output_tokens=config.parameters.max_tokens,
        name=agent.name,
        pinned=True,
        agent_id=agent.agent_id,
        version=version.number,
        config=version.hash,
        context=config.context,
        fixed=fixed,
    )


async def resolve(store: AgentStore, text: str) -> AgentChoice:
    """The version that `NAME@3` names, or the active one of `NAME`. Raises ConfigError."""
    ref = parse_ref(text)
    agent = await store.find_agent(ref.name)
    if agent is None or agent.deleted:
        error = unknown(ref, [each.name for each in await store.list_agents()])
        raise ConfigError(error.message, hint=f"{error.hint}; `tamma agent list` shows all")
    number = ref.version or agent.active
    if number is None:
        raise ConfigError(
            f"no version of agent {agent.name!r} is active",
            hint=f"`tamma agent activate {agent.name}@{agent.latest} --reason ...`, or name a version: "
            f"{agent.name}@{agent.latest}",
        )
    version = await store.read_version(agent.agent_id, number)
    if version is None:
        raise ConfigError(
            f"agent {agent.name!r} has no version {number}", hint=f"its newest one is {agent.latest}"
        )
    return pin(agent, version, fixed=ref.version is not None)
