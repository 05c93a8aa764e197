"""The manager over the store in memory, and comparing what it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.agents.configs.compare import FieldChange, compare
from tamma.agents.configs.facts import Facts
from tamma.agents.configs.manager import AgentConfigs
from tamma.agents.configs.naming import AgentRef, check_name, parse_ref
from tamma.errors import ConfigError, StoreConflict
from tamma.model.agent import AgentConfig, Parameters
from tamma.model.agent_json import config_hash
from tamma.store.memory import MemoryStore
from tests.agents.configs.test_validation import BARE, FACTS

WHO = {"author": "ann", "reason": "why not"}


def facts(config: AgentConfig) -> Facts:
    return FACTS


@pytest.fixture
def configs() -> AgentConfigs:
    return AgentConfigs(MemoryStore(), facts)


def hot(degrees: float) -> AgentConfig:
    return replace(BARE, parameters=Parameters(temperature=degrees))


async def test_an_agent_s_life(configs: AgentConfigs) -> None:
    made = await configs.create("reviewer", AgentConfig("claude"), **WHO)
    assert made.label == "reviewer@1"
    assert made.version.config.provider == "anthropic-claude"
    assert made.pin.hash == config_hash(AgentConfig("anthropic-claude"))
    with pytest.raises(ConfigError, match="no version of 'reviewer' is active") as told:
        await configs.active("reviewer")
    assert "tamma agent activate reviewer@1" in (told.value.hint or "")
    assert (await configs.active("reviewer@1")).version.number == 1
    assert (await configs.activate(made, **WHO)).active == 1
    second = await configs.update(await configs.get("reviewer"), hot(0.2), **WHO)
    assert (second.label, second.version.parent) == ("reviewer@2", 1)
    assert (await configs.get("reviewer")).label == "reviewer@1"
    await configs.activate(await configs.get("reviewer@2"), **WHO)
    assert (await configs.active("reviewer")).label == "reviewer@2"
    assert (await configs.rollback("reviewer", author="ann", reason="worse")).active == 1
    with pytest.raises(ConfigError, match="no version of 'reviewer' was active before"):
        await configs.rollback("reviewer", author="ann", reason="worse")
    assert (await configs.rollback("reviewer", to=2, **WHO)).active == 2
    with pytest.raises(ConfigError, match="reviewer@2 is the active version already"):
        await configs.rollback("reviewer", to=2, **WHO)
    assert [each.label for each in await configs.list()] == ["reviewer@2"]
    assert [each.number for each in await configs.versions(second.agent)] == [1, 2]
    await configs.delete("reviewer", **WHO)
    assert await configs.list() == ()
    with pytest.raises(ConfigError, match="there is no agent 'reviewer'"):
        await configs.get("reviewer")
    assert (await configs.get(made.agent.agent_id)).agent.deleted


async def test_who_changes_what_he_saw_long_ago_is_told(configs: AgentConfigs) -> None:
    seen = await configs.create("reviewer", BARE, **WHO)
    await configs.update(seen, hot(0.2), **WHO)
    with pytest.raises(StoreConflict, match="revision 2") as told:
        await configs.update(seen, hot(0.3), **WHO)
    assert told.value.hint
    with pytest.raises(StoreConflict):
        await configs.activate(seen, **WHO)


async def test_what_is_wrong_does_not_get_in(configs: AgentConfigs) -> None:
    with pytest.raises(ConfigError, match="there is no provider called 'houze'"):
        await configs.create("a", AgentConfig("houze"), **WHO)
    with pytest.raises(ConfigError, match="cannot be called 'a@b'"):
        await configs.create("a@b", BARE, **WHO)
    seen = await configs.create("a", BARE, **WHO)
    with pytest.raises(ConfigError, match=r"temperature: 3 is not from"):
        await configs.update(seen, hot(3), **WHO)
    with pytest.raises(ConfigError, match="nothing was changed: a@1 is just so"):
        await configs.update(seen, BARE, **WHO)
    assert len(await configs.versions(seen.agent)) == 1


async def test_a_version_whose_provider_has_gone_is_not_activated() -> None:
    store, known = MemoryStore(), [FACTS]
    configs = AgentConfigs(store, lambda _: known[0])
    seen = await configs.create("a", BARE, **WHO)
    known[0] = replace(FACTS, providers=("anthropic-claude",))
    with pytest.raises(ConfigError, match="there is no provider called 'house'"):
        await configs.activate(seen, **WHO)


async def test_names_that_are_nearly_right(configs: AgentConfigs) -> None:
    await configs.create("reviewer", BARE, **WHO)
    for text, hint in (("reviwer", "did you mean 'reviewer'?"), ("zzz@2", "known: reviewer")):
        with pytest.raises(ConfigError, match="there is no agent") as told:
            await configs.get(text)
        assert told.value.hint == hint
    with pytest.raises(ConfigError, match="'reviewer' has no version 9") as told:
        await configs.get("reviewer@9")
    assert told.value.hint == "its versions are 1 to 1"
    with pytest.raises(ConfigError, match="names a version"):
        await configs.rollback("reviewer@1", author="ann", reason="worse")


def test_references() -> None:
    assert parse_ref("a") == AgentRef("a")
    assert str(parse_ref(" a.b@12 ")) == "a.b@12"
    for bad in ("", "@1", "a@", "a@0", "a@x", "a@-1"):
        with pytest.raises(ConfigError, match="names no agent"):
            parse_ref(bad)
    assert check_name("A.b-c_9") == "A.b-c_9"
    for bad in ("", "-a", "a b", "a/b", "ä", "a" * 64, "01900000-0000-7000-8000-000000000001"):
        with pytest.raises(ConfigError):
            check_name(bad)


def test_differences() -> None:
    before = replace(BARE, prompts={"system": "a\nb"}, tools=("bash", "finish"))
    after = replace(hot(0.2), prompts={"system": "a\nc", "plan": "{{issue}}"})
    found = compare(before, after, ("x@1", "x@2"))
    assert found.fields == (
        FieldChange("tools", ("bash", "finish"), None),
        FieldChange("parameters.temperature", None, 0.2),
    )
    plan, system = found.prompts
    assert (plan.name, system.name) == ("plan", "system")
    assert plan.patch.startswith("--- x@1/prompts/plan.md (built in)\n+++ x@2/prompts/plan.md\n@@")
    assert system.patch == "--- x@1/prompts/system.md\n+++ x@2/prompts/system.md\n@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert not compare(before, before)


def test_a_built_in_prompt_made_one_s_own_is_a_difference() -> None:
    from tamma.agents.prompting import prompt

    (change,) = compare(BARE, replace(BARE, prompts={"plan": prompt("plan")})).prompts
    assert change.patch == "--- before/prompts/plan.md (built in)\n+++ after/prompts/plan.md"
