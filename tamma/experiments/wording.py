"""Effects in words, for people who know no statistics. Effects are signed so that positive is better."""

from __future__ import annotations

import math

from tamma.model.experiment import Metric

NAMES = {
    Metric.SUCCESS: "tasks solved",
    Metric.QUALITY: "quality",
    Metric.COST: "cost",
    Metric.DURATION: "working time",
}

_DOES = {
    Metric.SUCCESS: ("solves {} more of the tasks", "solves {} fewer of the tasks", "solves as many tasks"),
    Metric.QUALITY: (
        "scores {} higher in quality",
        "scores {} lower in quality",
        "scores the same in quality",
    ),
    Metric.COST: ("costs {} less", "costs {} more", "costs the same"),
    Metric.DURATION: ("takes {} less time", "takes {} more time", "takes the same time"),
}


def finite(value: float | None) -> float | None:
    """The value, or None where it is no number: a comparison with NaN would be silently false."""
    return value if value is not None and math.isfinite(value) else None


def amount(metric: Metric, effect: float) -> str:
    """How large an effect is, without its sign: `5.0 points`, `12.0 %`."""
    scale = 1.0 if metric is Metric.QUALITY else 100.0
    return f"{abs(effect) * scale:.1f} {'%' if metric.is_ratio else 'points'}"


def does(metric: Metric, effect: float) -> str:
    """What the candidate does, against the control: `solves 5.0 points more of the tasks`."""
    better, worse, same = _DOES[metric]
    if amount(metric, effect) == amount(metric, 0.0):
        return same
    return (better if effect > 0 else worse).format(amount(metric, effect))


def signed(metric: Metric, effect: float) -> str:
    """`5.0 points better`, `12.0 % worse`, `no difference`."""
    if amount(metric, effect) == amount(metric, 0.0):
        return "no difference"
    return f"{amount(metric, effect)} {'better' if effect > 0 else 'worse'}"


def span(metric: Metric, low: float | None, high: float | None) -> str:
    """Where an effect lies: `2.0 to 16.0 points better`, `4.0 points worse to 9.0 points better`."""
    if low is None and high is None:
        return "anywhere"
    if low is None or high is None:
        known = low if high is None else high
        assert known is not None
        return f"{signed(metric, known)} or {'better' if high is None else 'worse'}"
    if low * high <= 0:
        return f"{signed(metric, low)} to {signed(metric, high)}"
    near, far = sorted((low, high), key=abs)
    return f"{amount(metric, near).split()[0]} to {signed(metric, far)}"
