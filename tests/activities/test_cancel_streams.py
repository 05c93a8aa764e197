"""A model call in mid-stream under a real Temporal server: it beats while it trickles, and ends when told to.

All families at once, as the product's workflows make the calls and its worker serves them.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from activities.ai import AIActivities
from activities.interface import CALL_MODEL, CallModel
from tamma.model.ids import SessionId
from tamma.model.session import ModelTurn
from tamma.model.task import AgentChoice
from tamma.providers.interface import Provider
from tamma.store.memory import MemoryStore
from tamma.worker.queues import BEAT
from tamma.workspace.tools import TOOLS
from tests.providers.vendors import WIRED
from tests.providers.vendors.base import HttpVendor, Said, broken_off
from tests.support.pace import PROMPT
from tests.support.raw_http import Answer, RawServer, Step
from workflows.calls import call
from workflows.options import MODEL_CALL as PRODUCTS

FAMILIES = ("anthropic-claude", "openai", "gemini", "local-llm", "local-llm ollama")
"""One for each SDK, and those without one."""
MODEL_CALL = replace(PRODUCTS, heartbeat=8)
"""With room for a busy machine, on which a beat may come seconds late."""
Handle = WorkflowHandle["OneCall", ModelTurn]


@workflow.defn(name="OneStream", sandboxed=False)
class OneCall:
    """A model call as the product's workflows make it."""

    @workflow.run
    async def run(self, given: CallModel) -> ModelTurn:
        return await call(CALL_MODEL, given, MODEL_CALL)


class Pool:
    def __init__(self, providers: dict[str, Provider]) -> None:
        self._providers = providers

    async def get(self, name: str) -> Provider:
        return self._providers[name]


@dataclass
class Calls:
    """One running call a family, and the server that answers it."""

    handles: dict[str, Handle]
    servers: dict[str, RawServer]
    store: MemoryStore

    async def beat(self, name: str) -> str:
        """What the call's last heartbeat said; empty where none came yet."""
        described = await self.handles[name].describe()
        pending = described.raw_description.pending_activities
        if not pending or not pending[0].heartbeat_details.payloads:
            return ""
        (said,) = await described.data_converter.decode(pending[0].heartbeat_details.payloads, [str])
        return said

    async def until(self, name: str, condition: Callable[[str], bool]) -> str:
        """The first heartbeat that satisfies `condition`."""
        async with asyncio.timeout(120):
            while True:
                said = await self.beat(name)
                if condition(said):
                    return said
                await asyncio.sleep(0.1)


async def begin(client: Client, stack: AsyncExitStack, answer: Callable[[HttpVendor], Answer]) -> Calls:
    """Ask every family; each is answered with its `answer`."""
    vendors = {vendor.name: vendor for vendor in WIRED if vendor.name in FAMILIES}
    assert len(vendors) == len(FAMILIES)
    servers = {
        name: await stack.enter_async_context(RawServer(answer(vendor))) for name, vendor in vendors.items()
    }
    providers = {name: vendor.provider(servers[name].url) for name, vendor in vendors.items()}
    for provider in providers.values():
        stack.push_async_callback(provider.close)
    store, queue = MemoryStore(), f"streams-{uuid.uuid4().hex[:8]}"
    activities = AIActivities(Pool(providers), store, TOOLS)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[OneCall],
        activities=[activities.call_model],
        max_heartbeat_throttle_interval=BEAT,
        default_heartbeat_throttle_interval=BEAT,
    )
    await stack.enter_async_context(worker)
    handles = {
        name: await client.start_workflow(
            OneCall.run,
            CallModel(SessionId(name), 0, AgentChoice(name, "m1"), None, ("solve it",), "acme/calc#1"),
            id=f"{queue}-{name.replace(' ', '-')}",
            task_queue=queue,
        )
        for name in vendors
    }
    return Calls(handles, servers, store)


async def test_cancelling_the_workflow_closes_the_stream_and_stores_nothing(client: Client) -> None:
    async with AsyncExitStack() as stack:
        calls = await begin(client, stack, lambda vendor: broken_off(vendor, "hang"))

        async def cancelled(name: str) -> float:
            """Seconds until the server saw the connection close."""
            await calls.until(name, lambda said: said.endswith("characters"))  # in the middle of its answer
            begun = time.monotonic()
            await calls.handles[name].cancel()
            await asyncio.wait_for(calls.servers[name].hung_up.wait(), PROMPT)
            taken = time.monotonic() - begun
            with pytest.raises(WorkflowFailureError) as ended:
                await calls.handles[name].result()
            assert isinstance(ended.value.cause, CancelledError)
            return taken

        taken = dict(zip(FAMILIES, await asyncio.gather(*map(cancelled, FAMILIES)), strict=True))
        assert max(taken.values()) < PROMPT + BEAT.total_seconds(), taken
        for name, server in calls.servers.items():
            assert len(server.received) == 1, name
            assert await calls.store.read_entries(SessionId(name)) == ()


@pytest.mark.slow
async def test_a_slow_answer_keeps_its_call_alive(client: Client) -> None:
    """It trickles for longer than the heartbeat timeout, and is asked for once."""
    assert MODEL_CALL.heartbeat is not None
    words = [f"word{number} " for number in range(8)]
    pause = (MODEL_CALL.heartbeat + 1.5) / len(words)

    def trickle(vendor: HttpVendor) -> Answer:
        steps: list[Step] = []
        for part in vendor.wire(Said(words)):
            steps += [part, pause]
        return Answer(steps)

    async with AsyncExitStack() as stack:
        calls = await begin(client, stack, trickle)

        async def answered(name: str) -> str:
            first = await calls.until(name, bool)
            await calls.until(name, lambda said: bool(said) and said != first)
            return (await calls.handles[name].result()).text

        texts = await asyncio.gather(*map(answered, FAMILIES))
        assert dict(zip(FAMILIES, texts, strict=True)) == dict.fromkeys(FAMILIES, "".join(words).strip())
        assert {name: len(server.received) for name, server in calls.servers.items()} == dict.fromkeys(
            FAMILIES, 1
        )
