"""What `tamma ab plan` and `start` make of names and options."""

from __future__ import annotations

import pytest

from tamma.cli.abtesting.planning import forecast_lines, ready
from tamma.errors import ConfigError
from tamma.store.memory import MemoryStore
from tests.support.experiments import add_agent, add_suite

GIVEN: dict[str, object] = {
    "control": "plain",
    "candidate": "bold",
    "suite": "drill",
    "minimumEffect": 0.15,
    "seed": 7,
}


@pytest.fixture
async def store() -> MemoryStore:
    made = MemoryStore()
    await add_agent(made, "plain", "a")
    await add_agent(made, "bold", "b", active=False)
    await add_suite(made, 120)
    return made


async def test_what_is_started_is_what_was_shown(store: MemoryStore) -> None:
    """Runs that end between the question and the answer change what a power asks for, and no plan."""
    made = await ready(store, GIVEN)
    assert made.plan.sample_size == made.forecast.tasks_planned > 0
    assert made.plan.sample_size == made.prepared.looks[-1].units
    assert made.plan.seed == 7


async def test_a_forecast_says_what_a_rehearsal_costs(store: MemoryStore) -> None:
    said = "\n".join(forecast_lines(await ready(store, GIVEN)))
    assert "nothing is paid: a rehearsal" in said
    assert "time      about a minute\n" in said
    assert "as many as a power of 80% needs" in said
    few = forecast_lines(await ready(store, {**GIVEN, "sampleSize": 10}))
    assert any(line.startswith("tasks     10; a power of 80% needs ") for line in few)


async def test_what_is_wrong_is_said_in_options(store: MemoryStore) -> None:
    """Whoever gave options is not told keys of a file that he does not have."""
    given = {**GIVEN, "budgetUsd": "5", "duration": 0, "guardrails": [{"metric": "cost", "margin": 7}]}
    with pytest.raises(ConfigError) as caught:
        await ready(store, given)
    for words in ("--budget: 5 USD", "--days: 0.0", "--guardrail cost: 7.0"):
        assert words in str(caught.value)
    assert "a higher --budget, or a lower --trial-budget" in str(caught.value.hint)


@pytest.mark.parametrize("amount", ["1e400", "nan", "-1", "much"])
async def test_money_is_an_amount_that_somebody_may_have(store: MemoryStore, amount: str) -> None:
    with pytest.raises(ConfigError, match="budgetUsd: "):
        await ready(store, {**GIVEN, "budgetUsd": amount})
