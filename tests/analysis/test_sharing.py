"""What may leave an installation: the noise, the groups left out, the budget, what never appears."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tamma.analysis.sharing.document import Terms, release
from tamma.analysis.sharing.groups import BOUNDS, RUNS_PER_REPOSITORY, family_of, grouped, strategy_of
from tamma.analysis.sharing.ledger import last_month, release_of
from tamma.analysis.sharing.noise import discrete_laplace
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, ContextStrategy
from tamma.model.analysis import TimeRange
from tamma.model.metrics import RunMetrics
from tamma.store.interface import EventQuery, Store
from tamma.store.memory import MemoryStore
from tests.analysis.made import add_agent, record, runs, values

JANUARY = TimeRange(datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, tzinfo=UTC))
NOW = datetime(2030, 3, 5, tzinfo=UTC)
REPOS = tuple(f"canary-owner/canary-repo-{number}" for number in range(12))
TERMS = Terms(epsilon=1.0, min_group=10)


def some(count: int = 120, repos: tuple[str, ...] = REPOS, **changes: Any) -> list[RunMetrics]:
    return runs(None, count, within=JANUARY, repos=repos, model="claude-canary-5", **changes)


async def made(store: Store, month: str = "2030-01", **changes: Any) -> Any:
    given: dict[str, Any] = {"terms": TERMS, "total_epsilon": 2.0, "now": NOW, "source": random.Random(1)}
    return await release_of(store, month, **(given | changes))


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(3), Fraction(60)])
def test_the_noise_is_discrete_laplace(scale: Fraction) -> None:
    """Against its probabilities (1 - q) / (1 + q) q^|x| with q = exp(-1 / scale), and its variance."""
    source, drawn = random.Random(11), 20_000
    counts = Counter(discrete_laplace(scale, source) for _ in range(drawn))
    q = math.exp(-1 / scale)
    for x in range(-4, 5):
        expected = drawn * (1 - q) / (1 + q) * q ** abs(x)
        assert abs(counts[x] - expected) < 5 * math.sqrt(expected) + 1, x
    variance = sum(count * x**2 for x, count in counts.items()) / drawn
    assert variance == pytest.approx(2 * q / (1 - q) ** 2, rel=0.08)
    mean = sum(count * x for x, count in counts.items()) / drawn
    assert abs(mean) < 5 * math.sqrt(variance / drawn)


def test_its_size_is_the_sensitivity_over_epsilon() -> None:
    for figure, bound in BOUNDS.items():
        assert float(TERMS.scale(figure)) == pytest.approx(
            RUNS_PER_REPOSITORY * bound * len(BOUNDS), rel=1e-4
        )
        assert TERMS.scale(figure) >= RUNS_PER_REPOSITORY * bound * len(BOUNDS), "never less than declared"
        assert Terms(0.5, 10).scale(figure) == pytest.approx(2 * TERMS.scale(figure), rel=1e-4)


def test_one_repository_moves_no_sum_by_more_than_its_bound() -> None:
    ordinary = some(100)
    worst = some(
        500,
        repos=("canary-owner/large",),
        rate=1.0,
        cost=10_000.0,
        input_tokens=10**12,
    )
    worst = [replace(run, duration_ms=10**12, cost_usd=Decimal(10**6)) for run in worst]
    (without,) = grouped(values(ordinary), {})
    (with_it,) = grouped(values([*ordinary, *worst]), {})
    for figure, bound in BOUNDS.items():
        moved = with_it.sums[figure] - without.sums[figure]
        assert 0 <= moved <= RUNS_PER_REPOSITORY * bound
    assert with_it.sums["costCents"] - without.sums["costCents"] == RUNS_PER_REPOSITORY * 500


def test_small_groups_are_left_out() -> None:
    few_repositories = some(200, repos=REPOS[:9])
    few_runs = runs(None, 9, within=JANUARY, repos=REPOS, model="gpt-5")
    enough = runs(None, 60, within=JANUARY, repos=REPOS, model="qwen3-coder")
    groups = grouped(values([*few_repositories, *few_runs]), {})
    assert {group.key.model_family for group in groups} == {"claude", "gpt"}
    assert json.loads(release("2030-01", groups, TERMS, random.Random(1)))["groups"] == []
    shown = json.loads(release("2030-01", grouped(values(enough), {}), TERMS, random.Random(1)))
    assert [group["modelFamily"] for group in shown["groups"]] == ["qwen"]


def test_words_of_groups_come_from_public_lists() -> None:
    assert family_of("anthropic/Claude-Opus-5") == "claude"
    assert family_of("our-secret-canary-tune") == "other"
    assert strategy_of(None) == "stock"
    assert strategy_of(AgentConfig("x", context=ContextStrategy(map_files=1000))) == (
        "large-map drop-results stable-first"
    )


async def test_nothing_of_the_installation_is_in_a_release() -> None:
    store = MemoryStore()
    (pin,) = await add_agent(
        store, "canary-agent", AgentConfig("canary-provider", prompts={"system": "canary-prompt"})
    )
    await record(
        store,
        runs(
            pin, 120, within=JANUARY, repos=REPOS, model="canary-model", provider="canary-provider",
            error_type="canary-error", issue="canary-issue", served_models=("canary-served",),
        ),
    )  # fmt: skip
    found = await made(store)
    text = found.content.decode()
    assert "canary" not in text
    assert pin.agent_id not in text
    assert "sha256" not in text
    shape = json.loads(text)
    (group,) = shape["groups"]
    assert set(group) == {"modelFamily", "taskType", "contextStrategy", "sums"}
    assert set(group["sums"]) == set(BOUNDS)
    assert all(isinstance(value, int) for value in group["sums"].values())
    assert set(shape) == {
        "format", "month", "epsilon", "minGroup", "protects", "runsPerRepository", "mechanism", "bounds",
        "noiseScales", "groups",
    }  # fmt: skip


async def test_a_month_is_drawn_once_and_noise_cannot_be_averaged_out() -> None:
    store = MemoryStore()
    await record(store, some())
    first = await made(store)
    assert not first.drawn_before
    for seed in range(5):
        again = await made(store, source=random.Random(seed), terms=Terms(2.0, 3))
        assert (again.content, again.drawn_before, again.spent, again.epsilon) == (
            first.content,
            True,
            1.0,
            1.0,
        )
    await record(store, some(50, seed=9))
    assert (await made(store)).content == first.content
    assert len(await store.read_events(EventQuery(("sharing.drawn",)))) == 1
    other = MemoryStore()
    await record(other, some())
    assert (await made(other, source=None)).content != first.content, (
        "outside of tests nobody can draw it again"
    )


async def test_all_releases_together_have_a_limit() -> None:
    store = MemoryStore()
    await made(store, "2030-01")
    second = await made(store, "2030-02")
    assert second.spent == 2.0
    with pytest.raises(ConfigError, match="told 2 of at most 2 in all; 2029-12 would add 1"):
        await made(store, "2029-12")
    assert (await made(store, "2030-01")).drawn_before, "what was drawn is still there"


@pytest.mark.parametrize("month", ["2030-03", "2031-01", "2030-13", "2030-1", "January"])
async def test_a_month_must_be_one_that_is_over(month: str) -> None:
    with pytest.raises(ConfigError):
        await made(MemoryStore(), month)
    assert last_month(NOW) == "2030-02"
    assert last_month(NOW - timedelta(days=60)) == "2029-12"
