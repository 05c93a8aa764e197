"""What a model is asked when an agent's version works: its words, its tools, its parameters, its window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.interface import MakePlan, PlanMade
from tamma.agents.prompting import GUARD
from tamma.model.agent import AgentConfig, AgentId, ConfigHash, ContextStrategy, Parameters
from tamma.model.conversation import Message, Role, ToolResult
from tamma.model.ids import SessionId
from tamma.model.metrics import ContextUse
from tamma.model.session import Opening
from tamma.model.task import AgentChoice
from tamma.store.interface import Entry
from tamma.store.memory import MemoryStore
from tests.activities.test_model_calls import SESSION, TURNS, Counted, ai, ask, run

CONFIG = AgentConfig(
    "scripted",
    prompts={"system": "You are careful.", "plan": "{{context}}\n\n{{issue}}\n\nCAREFULLY{{feedback}}"},
    tools=("view", "grep"),
    parameters=Parameters(0.1, 500, top_p=0.5, frequency_penalty=0.2, presence_penalty=0.3, reasoning="max"),
)


class CountedReads(MemoryStore):
    """Counts how often a configuration is read."""

    reads = 0

    async def read_config(self, config: ConfigHash) -> AgentConfig | None:
        self.reads += 1
        return await super().read_config(config)


async def pinned(store: MemoryStore, config: AgentConfig = CONFIG) -> AgentChoice:
    version = await store.create_agent(AgentId("a-1"), "careful", config, author="ada", reason="first")
    return AgentChoice(
        "scripted", name="careful", agent_id=AgentId("a-1"), version=1, config=version.hash, pinned=True
    )


async def test_a_version_brings_its_words_tools_and_parameters() -> None:
    provider, store = Counted(TURNS), MemoryStore()
    await run(ai(provider, store), replace(ask(0, "solve it"), agent=await pinned(store)))
    (request,) = provider.requests
    assert request.system == f"You are careful.\n\n{GUARD}"
    assert [tool.name for tool in request.tools] == ["view", "grep", "finish"]
    assert (request.temperature, request.max_output_tokens) == (0.1, 500)
    assert (request.top_p, request.frequency_penalty, request.presence_penalty) == (0.5, 0.2, 0.3)
    assert request.reasoning_effort == "max"


async def test_its_own_prompt_makes_the_plan() -> None:
    provider, store = Counted([{"text": "do it"}]), MemoryStore()
    issue, context = await store.put_blob(b"THE ISSUE"), await store.put_blob(b"THE MAP")
    given = MakePlan(SessionId("t/plan"), await pinned(store), issue, context)
    made: PlanMade = await ActivityEnvironment().run(ai(provider, store).make_plan, given)
    first, second = provider.requests[0].messages[0].parts
    assert "THE MAP" in str(first)
    assert "THE ISSUE" in str(second)
    assert "CAREFULLY" in str(second)
    assert made.use.provider == "scripted"


async def test_a_configuration_is_read_once() -> None:
    provider, store = Counted(TURNS), CountedReads()
    agent = await pinned(store)
    activities = ai(provider, store)
    await run(activities, replace(ask(0, "one"), agent=agent))
    await run(activities, replace(ask(2, "two"), agent=agent))
    assert len(provider.requests) == 2
    assert store.reads == 1


async def test_a_configuration_that_is_not_in_the_store_is_told() -> None:
    agent = replace(AgentChoice("scripted", name="careful", version=3), config=ConfigHash("sha256:0"))
    with pytest.raises(ApplicationError, match="no configuration 'sha256:0', which careful@3 is") as raised:
        await run(ai(Counted(TURNS), MemoryStore()), replace(ask(0, "go"), agent=agent))
    assert raised.value.type == "ConfigError"


async def test_runs_of_one_repository_share_a_cache_unless_the_task_stands_first() -> None:
    provider, store = Counted(TURNS), MemoryStore()
    activities = ai(provider, store)
    await run(activities, replace(ask(0, "one"), repo_label="acme/calc#1"))
    await run(activities, replace(ask(0, "one"), repo_label="acme/calc#2", session_id=SessionId("t2/agent")))
    agent = AgentChoice("scripted", context=ContextStrategy(cache_layout="task-first"))
    await run(activities, replace(ask(0, "one"), agent=agent, session_id=SessionId("t3/agent")))
    keys = [request.metadata.get("cache") for request in provider.requests]
    assert keys == ["acme/calc scripted", "acme/calc scripted", None]


async def test_how_the_window_is_used_is_measured_at_every_call() -> None:
    usage = {"input_total": 150, "output_total": 5, "cache_read": 40}
    looks: list[dict[str, object]] = [
        {"tool_calls": [{"name": "bash", "args": {"command": "ls"}}], "usage": usage}
    ] * 9
    provider, store = Counted(looks, context_window=4000), MemoryStore()
    activities = ai(provider, store)
    agent = AgentChoice("scripted", context=ContextStrategy(compact_at=0.9, keep_messages=1))
    uses: list[ContextUse] = []
    for number in range(4):
        made = await run(activities, replace(ask(3 * number, "go"), agent=agent))
        uses.append(made.use.context)
        (entry,) = await store.read_entries(SESSION, after=made.seq - 1)
        result = ToolResult(entry.message.tool_calls[0].id, "x" * 4000)
        await store.append_entries(SESSION, (Entry(made.seq + 1, Message(Role.USER, (result,))),))
    assert {(use.window, use.peak) for use in uses} == {(4000, 150)}
    assert [use.truncations for use in uses] == [0, 0, 1, 1]
    sent = [part for message in provider.requests[-1].messages for part in message.parts]
    dropped = [
        part for part in sent if isinstance(part, ToolResult) and "dropped to save room" in part.content
    ]
    assert len(dropped) == 2
    again = await run(ai(provider, store), replace(ask(0, "go"), agent=agent))
    assert again.use.context == ContextUse(peak=150), "of a stored answer only its own figures are known"


async def test_the_opening_of_an_agent_may_be_its_own() -> None:
    provider, store = Counted(TURNS), MemoryStore()
    agent = await pinned(store, replace(CONFIG, prompts={"person": "HEAR: {{text}}"}))
    opening = Opening("person", words={"text": "faster"})
    await run(ai(provider, store), replace(ask(0), agent=agent, opening=opening))
    assert provider.requests[0].messages[0].text == "HEAR: faster"
