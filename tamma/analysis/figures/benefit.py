"""What a customised agent costs and gains against the stock configuration of its provider."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.analysis.changes.observations import Observation, observed
from tamma.analysis.changes.shift import Shift, compare
from tamma.analysis.figures.comparing import kind, stratum
from tamma.analysis.words import percent, usd
from tamma.model.analysis import CostBenefit, Estimate
from tamma.model.experiment import Metric
from tamma.model.measured import RunValues


def cost_benefit(
    agent: str, stock: str, runs: Sequence[RunValues], stock_runs: Sequence[RunValues]
) -> CostBenefit | None:
    """The extra cost of a task in dollars, not as a ratio, for budgets pay means; the extra success in
    points. Both within the task types and repositories that both worked on; None where there are none."""
    shared = {stratum(run) for run in runs} & {stratum(run) for run in stock_runs}
    of = stratum if shared else kind
    success = compare(
        Metric.SUCCESS,
        observed(stock_runs, Metric.SUCCESS, of).values,
        observed(runs, Metric.SUCCESS, of).values,
    )
    if success.estimate is None:
        return None
    # On the plain scale, which is quality's: costs of 0 count, too.
    cost = compare(
        Metric.QUALITY,
        _costs(stock_runs, by_repository=bool(shared)),
        _costs(runs, by_repository=bool(shared)),
    )
    extra_cost, extra_success = _estimate(cost), _estimate(success)
    price = None
    interval = extra_success.interval
    if extra_cost.value is not None and extra_success.value and interval is not None and interval.low > 0:
        price = extra_cost.value / extra_success.value
    return CostBenefit(
        agent,
        stock,
        extra_cost,
        extra_success,
        price,
        _summary(agent, stock, extra_cost, extra_success, price),
    )


def _costs(runs: Sequence[RunValues], *, by_repository: bool) -> list[Observation]:
    of = stratum if by_repository else kind
    return [Observation(run.ended_at, of(run), run.cost_usd) for run in runs if not run.unpriced_calls]


def _estimate(found: Shift) -> Estimate:
    return Estimate(found.estimate, found.interval, found.runs_before + found.runs_after)


def _summary(agent: str, stock: str, cost: Estimate, success: Estimate, price: float | None) -> str:
    told = [f"{agent} against {stock}"]
    assert success.value is not None
    if cost.value is not None:
        told.append(f"{_signed(usd(abs(cost.value)), cost.value)} a task" + _between_usd(cost))
    ends = ""
    if success.interval is not None:
        ends = f" ({100 * success.interval.low:+.0f} to {100 * success.interval.high:+.0f})"
    told.append(f"{100 * success.value:+.0f} points of success{ends}")
    if price is not None:
        told.append(
            f"a further success costs {usd(price)}"
            if price > 0
            else f"it saves {usd(-price)} with every further success"
        )
    elif success.interval is not None and success.interval.low <= 0 <= success.interval.high:
        told.append(f"whether it succeeds more often is open after {success.n} runs")
    return ", ".join(told)


def _between_usd(found: Estimate) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval.low, found.interval.high
    return f" ({_signed(usd(abs(low)), low)} to {_signed(usd(abs(high)), high)})"


def _signed(words: str, value: float) -> str:
    return ("-" if value < 0 else "+") + words


def failing_share(runs: Sequence[RunValues]) -> str:
    """The share of the money that failed runs took, in words; empty where none is known."""
    priced = [run for run in runs if not run.unpriced_calls]
    total = sum(run.cost_usd for run in priced)
    if not total:
        return ""
    return percent(sum(run.cost_usd for run in priced if not run.success) / total)
