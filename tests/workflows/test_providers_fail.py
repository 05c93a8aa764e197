"""What a run does when its model's service fails: goes elsewhere, waits, asks a person. Over real HTTP.

The service speaks Chat Completions and says what each test wants, call by call. All but the run with a
fallback end at the plan's gate, which only an answer of the model leads to.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.ids import SessionId
from tamma.model.task import AgentChoice, ApprovePolicy, Control, Gate, TaskStatus, TaskView, Waiting
from tamma.providers.interface import ProviderSettings
from tamma.providers.routing.chain import Link, Routes
from tamma.resilience import breaker
from tests.providers.vendors.base import Said
from tests.providers.vendors.chat import LocalVendor
from tests.support.loop import PLAN_TURN, Handle, Loop, running_loop
from tests.support.raw_http import Answer, RawServer, Received, json_answer
from tests.workflows.test_gates import tell

CHAT = LocalVendor()
PLAN = Answer(CHAT.wire(Said([PLAN_TURN["text"]])))
RETRIES = 3
"""Attempts of one model call, before the run waits."""
PATIENCE = 2.0 + 1.0 + 1.0
"""Seconds: a cancellation comes with the next heartbeat, those come every second, and the machine is busy."""


def refusal(status: int, kind: str, words: str, **headers: str) -> Answer:
    return json_answer(CHAT.error_body(status, kind, words), status, **headers)


NO_CREDIT = refusal(402, "billing_error", "the credit is used up")
DOWN = refusal(503, "overloaded_error", "we are down")


class Service(RawServer):
    """Also remembers when it was asked."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(*answers)
        self.times: list[float] = []

    def answer_to(self, request: Received) -> Answer:
        self.times.append(time.monotonic())
        return super().answer_to(request)


@asynccontextmanager
async def house(
    client: Client, folder: Path, *answers: Answer, routes: Routes | None = None
) -> AsyncGenerator[tuple[Loop, Service]]:
    """A worker that knows the provider `house`, and its service."""
    async with Service(*answers) as service:
        options = {"kind": "openai", "discover": False}
        settings = ProviderSettings("house", "local-llm", base_url=service.url, model="m1", options=options)
        async with running_loop(client, folder, accounts=[settings], routes=routes) as loop:
            yield loop, service


async def submit(loop: Loop) -> Handle:
    return await loop.submit(agent=AgentChoice("house"), approve=ApprovePolicy.PLAN)


async def waits(loop: Loop, handle: Handle, gate: Gate, words: str = "") -> tuple[TaskView, Waiting]:
    """The first view that waits at `gate` for a reason with `words`."""
    seen = await loop.until(
        handle,
        lambda view: view.waiting_for and view.waiting_for.gate is gate and words in view.waiting_for.reason,
    )
    assert seen.waiting_for is not None
    return seen, seen.waiting_for


async def test_without_credit_a_fallback_does_the_work_and_the_run_says_so(
    client: Client, tmp_path: Path
) -> None:
    routes = Routes(fallbacks=(Link("scripted"),))
    async with house(client, tmp_path, NO_CREDIT, routes=routes) as (loop, service):
        handle = await loop.submit(agent=AgentChoice("house"))
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        for reason in ("no credit is left", "it kept failing and is left alone for a while"):
            assert f"house could not answer, {reason}: scripted did" in seen.notes
        # Asked once a call, not tried again; and after five refusals left alone.
        assert len(service.received) == breaker.FAILURES < result.spend.turns
        plan = await loop.parts.store.read_entries(SessionId(f"{seen.task_id}/plan"))
        assert [entry.provider for entry in plan if entry.provider] == ["scripted"]


@pytest.mark.slow
async def test_without_credit_and_fallback_a_person_is_asked_after_one_attempt(
    client: Client, tmp_path: Path
) -> None:
    async with house(client, tmp_path, NO_CREDIT) as (loop, service):
        handle = await submit(loop)
        seen, waiting = await waits(loop, handle, Gate.PROVIDER)
        assert seen.status is TaskStatus.PAUSED
        assert waiting.person
        assert "the credit is used up" in waiting.reason
        assert "raise it, or configure another provider" in waiting.hint
        assert "`tamma resume TASK`" in waiting.hint
        assert len(service.received) == 1
        service.answers = [PLAN]
        await tell(handle, "resume", Control(by="ada"))
        await waits(loop, handle, Gate.PLAN)
        assert len(service.received) == 2


async def test_a_prompt_over_the_window_is_not_sent_again_and_again(client: Client, tmp_path: Path) -> None:
    long = refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
    async with house(client, tmp_path, long) as (loop, service):
        _, waiting = await waits(loop, await submit(loop), Gate.PROVIDER)
        assert "larger context window" in waiting.hint
        assert len(service.received) == 1


@pytest.mark.slow
async def test_a_service_that_is_down_is_waited_for_and_then_left_alone(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(client, tmp_path, DOWN) as (loop, service):
        handle = await submit(loop)
        seen, waiting = await waits(loop, handle, Gate.OUTAGE)
        assert not waiting.person
        assert seen.status is TaskStatus.RUNNING
        assert "we are down" in waiting.reason
        assert "by itself" in waiting.hint
        assert len(service.received) == RETRIES

        await tell(handle, "resume", Control(by="ada"))
        _, waiting = await waits(loop, handle, Gate.OUTAGE, "left alone")
        assert "house failed again and again" in waiting.reason
        assert "we are down" in waiting.reason
        assert "by itself" in waiting.hint
        assert len(service.received) == breaker.FAILURES

        service.answers = [PLAN]
        monkeypatch.setattr(breaker, "COOLDOWN", 0.0)  # else five minutes
        await tell(handle, "resume", Control(by="ada"))
        seen, _ = await waits(loop, handle, Gate.PLAN)
        assert "divides by one too many" in seen.plan
        assert len(service.received) == breaker.FAILURES + 1


async def test_the_time_that_a_service_names_is_kept_and_the_run_goes_on_by_itself(
    client: Client, tmp_path: Path
) -> None:
    named = 1.5
    busy = refusal(429, "rate_limit_error", "slow down", retry_after=str(named))
    async with house(client, tmp_path, *[busy] * (RETRIES + 1), PLAN) as (loop, service):
        handle = await submit(loop)
        _, waiting = await waits(loop, handle, Gate.OUTAGE)
        assert not waiting.person
        await waits(loop, handle, Gate.PLAN)
        pauses = [later - before for before, later in zip(service.times, service.times[1:], strict=False)]
        assert len(pauses) == RETRIES + 1
        assert min(pauses) >= named


@pytest.mark.slow
async def test_a_long_pause_is_the_runs_and_nobody_is_asked_meanwhile(client: Client, tmp_path: Path) -> None:
    busy = refusal(429, "rate_limit_error", "come back in an hour", retry_after="3599")
    async with house(client, tmp_path, busy) as (loop, service):
        handle = await submit(loop)
        _, waiting = await waits(loop, handle, Gate.OUTAGE, "come back in an hour")
        assert not waiting.person
        await tell(handle, "resume", Control(by="ada"))
        _, waiting = await waits(loop, handle, Gate.OUTAGE, "it asked for a pause")
        assert waiting.reason.startswith("house is not asked for 35")  # seconds, an hour's last ones
        assert "by itself" in waiting.hint
        assert len(service.received) == 1


async def test_cancelling_a_run_in_mid_answer_hangs_up_and_stores_nothing(
    client: Client, tmp_path: Path
) -> None:
    half = Answer([*PLAN.steps[:2], *[0.2, b": still here\n\n"] * 300])
    async with house(client, tmp_path, half) as (loop, service):
        handle = await submit(loop)
        seen = await loop.until(handle, lambda _: service.received)
        await tell(handle, "cancel", Control(by="ada", reason="enough"))
        begun = time.monotonic()
        await loop.until(handle, lambda _: service.hung_up.is_set())
        assert time.monotonic() - begun < PATIENCE
        assert (await handle.result()).status is TaskStatus.CANCELLED
        assert await loop.parts.store.read_entries(SessionId(f"{seen.task_id}/plan")) == ()
