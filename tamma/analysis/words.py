"""Figures in words. A sentence is made of numbers: where one is missing there is no sentence."""

from __future__ import annotations

from tamma.model.analysis import Estimate, Interval, MetricDifference
from tamma.model.experiment import Metric

NAMES = {
    Metric.SUCCESS: "success",
    Metric.QUALITY: "quality",
    Metric.COST: "cost",
    Metric.DURATION: "duration",
}


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def usd(value: float) -> str:
    """Two digits, or as many as tell it from nothing."""
    return f"{value:.2f} USD" if value >= 0.1 or not value else f"{value:.2g} USD"


def time_of(milliseconds: float) -> str:
    """`850 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def level(metric: Metric, value: float) -> str:
    """A metric's level in its unit."""
    match metric:
        case Metric.SUCCESS:
            return percent(value)
        case Metric.QUALITY:
            return f"{value:.1f} of 100"
        case Metric.COST:
            return usd(value)
        case Metric.DURATION:
            return time_of(value)


def change_of(found: MetricDifference) -> str:
    """`success 60 % → 72 % (+12 points, +3 to +21)`; of ratios the share that is saved or added."""
    metric = Metric(found.metric)
    assert found.difference is not None
    assert found.a is not None
    assert found.b is not None
    return (
        f"{NAMES[metric]} {level(metric, found.a)} → {level(metric, found.b)} "
        f"({effect(metric, found.difference)}{_between(metric, found.interval)})"
    )


def effect(metric: Metric, value: float, *, unit: bool = True) -> str:
    """A difference whose positive side is better, as people say it: less cost is `-20 %`."""
    if metric.is_ratio:
        return f"{-100 * value:+.0f}{' %' if unit else ''}"
    if metric is Metric.SUCCESS:
        return f"{100 * value:+.0f}{' points' if unit else ''}"
    return f"{value:+.1f}{' points' if unit else ''}"


def _between(metric: Metric, interval: Interval | None) -> str:
    if interval is None:
        return ""
    ends = (interval.high, interval.low) if metric.is_ratio else (interval.low, interval.high)
    return f", {effect(metric, ends[0], unit=False)} to {effect(metric, ends[1], unit=False)}"


def rate_of(found: Estimate) -> str:
    """`62 % (48 to 75 %, 45 runs)`."""
    assert found.value is not None
    between = ""
    if found.interval is not None:
        between = f"{100 * found.interval.low:.0f} to {100 * found.interval.high:.0f} %, "
    return f"{percent(found.value)} ({between}{counted(found.n, 'run')})"


def counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
