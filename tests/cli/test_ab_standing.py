"""Which test is meant by a name or an id: an answer must not reach another one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tamma.cli.abtesting.standing import find
from tamma.errors import ConfigError
from tamma.model.agent import AgentId, AgentPin, ConfigHash
from tamma.model.experiment import ABTestId, ABTestPlan, LookPlan, Mode
from tamma.model.verdict import ABTestResult, ABTestState
from tamma.store.memory import MemoryStore

FIRST, SECOND = ABTestId("0194-aaaa"), ABTestId("0194-bbbb")
CONTROL = AgentPin(AgentId("a"), "plain", 1, ConfigHash("sha256:" + "a" * 64))
CANDIDATE = AgentPin(AgentId("b"), "bold", 1, ConfigHash("sha256:" + "b" * 64))


async def keep(store: MemoryStore, test_id: ABTestId, name: str) -> None:
    plan = ABTestPlan(name, CONTROL, CANDIDATE, mode=Mode.LIVE, repos=("*",))
    await store.create_test(test_id, plan, (LookPlan(1, 20, 1.96),), ())
    await store.save_result(
        ABTestResult(
            test_id=test_id,
            name=name,
            state=ABTestState.AWAITING_APPROVAL,
            agent_a=CONTROL,
            agent_b=CANDIDATE,
            task_type="testing",
            sample_size=20,
            confidence=0.95,
            effect_size=None,
            winner="agentB",
            improvement=None,
            statistical_significance=True,
            verdict=None,
            stop_reason=None,
            spent_usd=Decimal(0),
            created_at=datetime(2030, 1, 1, tzinfo=UTC),
        )
    )


async def test_the_beginning_of_an_id_names_one_test_or_none() -> None:
    store = MemoryStore()
    await keep(store, FIRST, "shorter-plans")
    assert await find(store, "0") == FIRST
    await keep(store, SECOND, "0194")
    for begins in ("0", "0194-"):
        with pytest.raises(ConfigError, match=f"2 A/B tests have an id that begins with '{begins}'"):
            await find(store, begins)
    assert await find(store, "0194-a") == FIRST
    assert await find(store, FIRST) == FIRST
    assert await find(store, "0194") == SECOND, "it is a name, too"
    with pytest.raises(ConfigError, match="no A/B test '1'"):
        await find(store, "1")
