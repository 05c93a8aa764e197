"""The projections add up: their sizes, their prices, and that caching and steps mean what the page says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scripts import docs_costs
from scripts.docs_costs import CHOSEN, GROWTH, LONG, SHORT, STEPS, USUAL, Run, Who
from tamma.providers.catalogue.prices import price_of
from tests.test_docs.pages import ROOT

SONNET = CHOSEN[0]


def test_a_turn_reads_what_the_turn_before_sent() -> None:
    first, second = docs_costs.usages(Run("two", 2), SONNET)
    assert (first.cache_read, first.cache_write) == (0, first.input_total)
    assert (second.cache_read, second.cache_write) == (first.input_total, GROWTH)
    assert second.input_total == first.input_total + GROWTH


def test_a_run_costs_what_its_tokens_cost() -> None:
    price = price_of(SONNET.type, SONNET.model)
    assert price is not None
    (turn,) = docs_costs.usages(Run("one", 1), SONNET, cached=False)
    tokens_in, tokens_out = docs_costs.BESIDE
    wanted = (
        (turn.input_total + 2 * tokens_in) * price.input_mtok
        + (turn.output_total + 2 * tokens_out) * price.output_mtok
    ) / 1_000_000
    assert docs_costs.run_cost(Run("one", 1), SONNET, SONNET, cached=False) == wanted


@pytest.mark.parametrize("who", CHOSEN, ids=str)
def test_longer_runs_cost_more_and_caching_saves(who: Who) -> None:
    short, usual, long = (docs_costs.run_cost(run, who, who) for run in (SHORT, USUAL, LONG))
    assert Decimal(0) < short < usual < long
    assert usual < docs_costs.run_cost(USUAL, who, who, cached=False)


def test_the_page_may_say_how_much_caching_saves() -> None:
    """ "Three to five times as much"."""
    ratios = [
        docs_costs.run_cost(USUAL, who, who, cached=False) / docs_costs.run_cost(USUAL, who, who)
        for who in CHOSEN
    ]
    assert min(ratios) > 3
    assert max(ratios) < Decimal("5.5")


def test_the_page_may_say_that_the_worker_decides_the_price() -> None:
    costs = {name: docs_costs.run_cost(USUAL, thinks, works) for name, thinks, works in STEPS}
    all_sonnet, cheap_work, strong_plan, all_opus = costs.values()
    assert cheap_work < all_sonnet / 3
    assert strong_plan < all_sonnet * Decimal("1.15")
    assert all_opus > strong_plan * Decimal("1.5")


def test_every_plan_says_where_its_price_was_read() -> None:
    text = (ROOT / "docs/research/ai-provider-strategy.md").read_text("utf-8")
    for plan in docs_costs.PLANS:
        assert plan.source
        assert plan.read
        assert f"| {plan.name} | {plan.monthly} |" in text
