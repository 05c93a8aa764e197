"""llmock judges how a client copes with faults; here the client is a model call under Temporal's retries.

One server breaks many calls at once, each in its own way: the model's name says which fault is meant for it.
All run through the real activity, the real adapters and a real Temporal server, with the options that the
product's workflows use. The verdict is llmock's: too early a retry, a retry that cannot help, no growing
delay, a cut answer that was taken for a whole one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

from activities.ai import AIActivities
from activities.interface import CALL_MODEL, CallModel
from tamma.model.ids import SessionId
from tamma.model.session import ModelTurn
from tamma.model.task import AgentChoice
from tamma.providers.interface import Provider
from tamma.store.memory import MemoryStore
from tamma.workspace.tools import TOOLS
from tests.providers.vendors.anthropic import AnthropicVendor
from tests.providers.vendors.base import HttpVendor
from tests.providers.vendors.gemini import GeminiVendor
from tests.providers.vendors.openai import OpenAIVendor
from workflows.calls import call
from workflows.options import MODEL_CALL, PROVIDER_RETRIES

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock
    from llmock.scenarios import Behavior, Match
    from llmock.verdict import Finding

pytest.importorskip("llmock", reason="llmock is not installed")

FAMILIES: list[tuple[str, HttpVendor]] = [
    ("anthropic", AnthropicVendor()),
    ("openai", OpenAIVendor()),
    ("gemini", GeminiVendor()),
]
"""llmock's name of the protocol, and who speaks it: one for each vendor's SDK."""
ANSWER = " ".join(f"word{number}" for number in range(20))
PACE = 50
"""Milliseconds between chunks: an answer lasts long enough for the server to notice who hangs up in it."""
HASTE = 2.0
"""Seconds of silence after which calls that are made to stall are given up."""


@dataclass(frozen=True)
class Case:
    """A fault, and what must come of it."""

    attempts: int
    error: str | None = None
    """The failure's type; None where the call is to succeed in the end."""
    status: int | None = None
    times: int | None = 1
    retry_after: float | None = None
    stream: str | None = None
    """What happens to the stream after three chunks."""
    slow: bool = False

    def behaviours(self, match: Match) -> list[Behavior]:
        from llmock.scenarios import Fail, Reply, SlowFirstToken, StreamFault

        made: list[Behavior] = [Reply(text=ANSWER, times=None, match=match)]
        if self.status is not None:
            made.append(Fail(self.status, retry_after=self.retry_after, times=self.times, match=match))
        if self.stream is not None:
            made.append(StreamFault(self.stream, after_chunks=3, stall_seconds=5 * HASTE, match=match))  # pyright: ignore[reportArgumentType] - a literal of theirs
        if self.slow:
            made.append(SlowFirstToken(5 * HASTE, match=match))
        return made

    @property
    def provider(self) -> str:
        return "hasty" if self.slow or self.stream == "stall" else "patient"


MOST = PROVIDER_RETRIES.maximum_attempts
CASES: Mapping[str, Case] = {
    "rate-limited": Case(attempts=3, status=429, times=2, retry_after=1.5),
    "unavailable": Case(attempts=2, status=503),
    "overloaded": Case(attempts=2, status=529),
    "failing-twice": Case(attempts=3, status=500, times=2),
    "failing-for-good": Case(attempts=MOST, status=500, times=None, error="Overloaded"),
    "timed-out": Case(attempts=2, status=408),
    "bad-key": Case(attempts=1, status=401, error="AuthFailed"),
    "forbidden": Case(attempts=1, status=403, error="AuthFailed"),
    "unknown-model": Case(attempts=1, status=404, error="ModelNotFound"),
    "bad-request": Case(attempts=1, status=400, error="InvalidRequest"),
    "unprocessable": Case(attempts=1, status=422, error="InvalidRequest"),
    "dropped": Case(attempts=2, stream="disconnect"),
    "truncated": Case(attempts=2, stream="truncate"),
    "malformed": Case(attempts=2, stream="malformed"),
    "stalled": Case(attempts=2, stream="stall"),
    "slow-to-begin": Case(attempts=2, slow=True),
}


@workflow.defn(sandboxed=False)
class OneCall:
    """A model call as the product's workflows make it."""

    @workflow.run
    async def run(self, given: CallModel) -> ModelTurn:
        # No call is to be made again because a busy machine has sent its heartbeat late.
        return await call(CALL_MODEL, given, replace(MODEL_CALL, heartbeat=60))


class Pool:
    def __init__(self, **providers: Provider) -> None:
        self._providers = providers

    async def get(self, name: str) -> Provider:
        return self._providers[name]


async def outcome(client: Client, queue: str, name: str) -> str:
    """What the model said, or the type of the failure."""
    agent = AgentChoice(CASES[name].provider, name)
    given = CallModel(SessionId(f"{queue}/{name}"), 0, agent, None, ("solve it",), "acme/calc#1")
    try:
        turn: ModelTurn = await client.execute_workflow(
            "OneCall", given, id=f"{queue}-{name}", task_queue=queue, result_type=ModelTurn
        )
    except WorkflowFailureError as failed:
        error = failed.cause.cause if isinstance(failed.cause, ActivityError) else None
        return (error.type if isinstance(error, ApplicationError) else None) or repr(failed.cause)
    return turn.text


def merely_late(found: Finding, llmock: LLMock) -> bool:
    """Whether every retry kept to its time, and looks constant because a busy machine made the first late."""
    tries = [request for request in llmock.requests if request.seq in found.seqs]
    gaps = [after.started_at - before.ended_at for before, after in pairwise(tries)]
    first, factor = PROVIDER_RETRIES.initial_interval.total_seconds(), PROVIDER_RETRIES.backoff_coefficient
    kept = all(gap >= 0.95 * first * factor**number for number, gap in enumerate(gaps))
    return found.code == "no_backoff" and kept


@pytest.mark.parametrize(("protocol", "vendor"), FAMILIES, ids=[family for family, _ in FAMILIES])
async def test_llmock_finds_no_fault_with_our_retries(
    client: Client, llmock: LLMock, protocol: str, vendor: HttpVendor
) -> None:
    from llmock.scenarios import Match

    llmock.pace(PACE)
    for name, case in CASES.items():
        llmock.add(*case.behaviours(Match(model=name)))
    queue = f"grading-{uuid.uuid4().hex[:8]}"
    store = MemoryStore()
    async with AsyncExitStack() as stack:
        pool = Pool(
            patient=vendor.provider(llmock.base_url(protocol)),
            hasty=vendor.provider(llmock.base_url(protocol), stall_timeout=HASTE),
        )
        for name in ("patient", "hasty"):
            stack.push_async_callback((await pool.get(name)).close)
        activities = AIActivities(pool, store, TOOLS)
        worker = Worker(client, task_queue=queue, workflows=[OneCall], activities=[activities.call_model])
        await stack.enter_async_context(worker)
        outcomes = dict(
            zip(CASES, await asyncio.gather(*(outcome(client, queue, n) for n in CASES)), strict=True)
        )

    asked = [request.model for request in llmock.requests]
    assert outcomes == {name: case.error or ANSWER for name, case in CASES.items()}
    assert {name: asked.count(name) for name in CASES} == {name: c.attempts for name, c in CASES.items()}
    verdict = llmock.verdict()
    assert not [found for found in verdict.findings if not merely_late(found, llmock)], verdict.render()
    for name, case in CASES.items():
        stored = await store.read_entries(SessionId(f"{queue}/{name}"))
        assert [entry.message.text for entry in stored] == ([] if case.error else ["solve it", ANSWER])
