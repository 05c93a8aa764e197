"""A step that its provider cannot answer is answered by the next one, and the transcript says by whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.ai import AIActivities
from activities.interface import CallModel
from tamma.errors import ConfigError, Overloaded, QuotaExhausted
from tamma.model.ids import SessionId
from tamma.model.session import ModelTurn
from tamma.model.task import AgentChoice
from tamma.providers.interface import Provider
from tamma.providers.routing.chain import Link, Routes
from tamma.store.memory import MemoryStore
from tests.providers.test_routing import Flaky

SESSION = SessionId("task/agent")


class Pool:
    def __init__(self, *providers: Provider) -> None:
        self._providers = {provider.settings.name: provider for provider in providers}

    async def get(self, name: str) -> Provider:
        if name not in self._providers:
            raise ConfigError(f"there is no provider called {name!r}")
        return self._providers[name]


async def call(
    pool: Pool, routes: Routes, store: MemoryStore, *, attempt: int = 1, pinned: bool = False
) -> ModelTurn:
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        attempt=attempt,
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=3),
    )
    given = CallModel(
        SESSION, 0, AgentChoice("first", pinned=pinned), None, ("go",), "acme/calc#1", step="fix"
    )
    return await environment.run(AIActivities(pool, store, (), routes).call_model, given)


ROUTES = Routes(fallbacks=(Link("absent"), Link("second", "spare-model")))


async def test_without_credit_the_next_one_answers_at_once() -> None:
    store = MemoryStore()
    first, second = Flaky("first", QuotaExhausted("no credit")), Flaky("second")
    turn = await call(Pool(first, second), ROUTES, store)
    assert turn.text == "well"
    assert turn.instead_of == (
        "first could not answer, no credit is left: second/spare-model did",
        "absent could not answer, it is not configured: second/spare-model did",
    )
    entries = await store.read_entries(SESSION)
    assert entries[1].provider == "second"
    assert (first.asked, second.asked) == (1, 1)


async def test_an_overload_is_retried_first_and_given_up_last() -> None:
    store = MemoryStore()
    first, second = Flaky("first", Overloaded("busy")), Flaky("second")
    pool = Pool(first, second)
    for attempt in (1, 2):
        with pytest.raises(ApplicationError) as raised:
            await call(pool, ROUTES, store, attempt=attempt)
        assert (raised.value.type, raised.value.non_retryable) == ("Overloaded", False)
    assert second.asked == 0
    assert (await call(pool, ROUTES, store, attempt=3)).text == "well"


async def test_a_pinned_provider_is_not_replaced() -> None:
    pool = Pool(Flaky("first", QuotaExhausted("no credit")), Flaky("second"))
    with pytest.raises(ApplicationError) as raised:
        await call(pool, ROUTES, MemoryStore(), pinned=True)
    assert raised.value.type == "QuotaExhausted"


async def test_a_step_goes_to_its_own() -> None:
    store = MemoryStore()
    pool = Pool(Flaky("first"), Flaky("second"))
    turn = await call(pool, Routes({"fix": (Link("second"),)}), store)
    assert turn.instead_of == ()
    assert (await store.read_entries(SESSION))[1].provider == "second"
