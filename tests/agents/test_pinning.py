"""From an agent's name to the version that a run works with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.agents.pinning import resolve
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, AgentId, ContextStrategy, Parameters
from tamma.model.agent_json import config_hash
from tamma.store.memory import MemoryStore

CONFIG = AgentConfig(
    "scripted", "m1", parameters=Parameters(0.2, 900), context=ContextStrategy(compact_at=0.5)
)


@pytest.fixture
async def store() -> MemoryStore:
    made = MemoryStore()
    await made.create_agent(AgentId("a-1"), "careful", CONFIG, author="ada", reason="first")
    agent = await made.activate(AgentId("a-1"), 1, author="ada", reason="good", revision=1)
    await made.add_version(
        AgentId("a-1"),
        replace(CONFIG, model="m2"),
        parent=1,
        author="ada",
        reason="m2",
        revision=agent.revision,
    )
    await made.create_agent(AgentId("a-2"), "draft", CONFIG, author="ada", reason="first")
    return made


async def test_a_name_means_its_active_version(store: MemoryStore) -> None:
    choice = await resolve(store, "careful")
    assert choice.pin is not None
    assert (choice.pin.agent_id, choice.pin.name, choice.pin.version) == ("a-1", "careful", 1)
    assert choice.config == choice.pin.hash == config_hash(CONFIG)
    assert (choice.provider, choice.model, choice.temperature, choice.max_output_tokens) == (
        "scripted",
        "m1",
        0.2,
        900,
    )
    assert choice.context == CONFIG.context
    assert choice.pinned, "no other provider takes its place"
    assert choice.label == "careful@1"


async def test_a_version_can_be_named_though_it_is_not_active(store: MemoryStore) -> None:
    assert (await resolve(store, "careful@2")).model == "m2"
    assert (await resolve(store, "a-1@2")).label == "careful@2"


@pytest.mark.parametrize(
    ("named", "reason", "hint"),
    [
        ("carefull", "no agent 'carefull'", "did you mean 'careful'"),
        ("careful@9", "no version 9", "newest one is 2"),
        ("draft", "no version of agent 'draft' is active", "tamma agent activate draft@1"),
        ("careful@x", "names no agent", "NAME@3"),
    ],
)
async def test_what_cannot_be_found_is_told_with_what_was_meant(
    store: MemoryStore, named: str, reason: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        await resolve(store, named)
    assert hint in (raised.value.hint or "")
