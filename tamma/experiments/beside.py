"""What other methods say of a metric, in a line each. None of them decides."""

from __future__ import annotations

from tamma.experiments.methods import (
    FLOORS,
    Sample,
    compare,
    counts,
    effect_of,
    ends,
    on_scale,
    saved,
)
from tamma.experiments.outcomes import Table
from tamma.experiments.wording import span
from tamma.model.estimates import CautionKind, Comparison
from tamma.model.experiment import Arm, Metric, Mode

_PAIRS_RESAMPLED = 1000
"""Pairs up to which the interval of the 95th percentiles is drawn from pairs."""


def beside(sample: Sample, level: float, seed: int) -> tuple[str, ...]:
    """What other methods say, in a line each. None of them decides."""
    lines = _robust(sample) + (_raw(sample, level, seed) if sample.metric.is_ratio else ())
    return tuple(line for line in lines if line)


def _robust(sample: Sample) -> tuple[str, ...]:
    from tamma.experiments.statistics import proportions, ranks, ratios

    if sample.metric is Metric.SUCCESS:
        if sample.paired or not sample.single:
            return ()
        p = proportions.fisher_p(control=counts(sample.control), treatment=counts(sample.candidate))
        return (f"Fisher's exact test: p {p:.3g}",)
    before, after = sample.control, sample.candidate
    if sample.metric.is_ratio:
        trimmed = ratios.trimmed_paired_ratio if sample.paired else ratios.trimmed_ratio
        found = trimmed(control=before, treatment=after, floor=FLOORS[sample.metric])
        name = "20 % trimmed means of logarithms (Yuen)"
        low, high = ends(found.interval)
        return (_line(name, span(sample.metric, saved(high), saved(low)), found),)
    found = (ranks.wilcoxon if sample.paired else ranks.mann_whitney)(control=before, treatment=after)
    if found.estimate is None:
        return ()
    name = "Wilcoxon signed ranks" if sample.paired else "Mann-Whitney"
    size = f"{found.measure.value} {found.estimate:.2f}"
    return (_line(name, size, found),)


def _raw(sample: Sample, level: float, seed: int) -> tuple[str, ...]:
    """What budgets pay: the difference of the means, which the ratio of typical tasks does not tell."""
    from tamma.experiments.statistics import bootstrap

    before, after = sample.control, sample.candidate
    mean = bootstrap.paired_mean_difference if sample.paired else bootstrap.mean_difference
    # Without the pairs the interval is wider and the work does not grow with the tasks.
    few = sample.paired and len(before) <= _PAIRS_RESAMPLED
    tail = bootstrap.paired_tail_difference if few else bootstrap.tail_difference
    unit = _money if sample.metric is Metric.COST else _time
    lines = (
        (mean, "mean a task, candidate less control (BCa bootstrap)"),
        (tail, "95th percentile, candidate less control"),
    )
    said: list[str] = []
    for method, name in lines:
        found = method(control=before, treatment=after, seed=seed, level=level)
        if found.estimate is None:
            continue
        low, high = ends(found.interval)
        width = "" if low is None or high is None else f", {unit(low)} to {unit(high)}"
        shown = " (too few tasks to decide on)" if found.has(CautionKind.REPORT_ONLY) else ""
        said.append(f"{name}: {unit(found.estimate)}{width}{shown}")
    return tuple(said)


def cost_of_success(table: Table, level: float, seed: int) -> str:
    """All that an arm cost over what it solved, in a line; empty where there is none."""
    from tamma.experiments.statistics.cost_per_success import (
        Spending,
        cost_per_success,
        paired_cost_per_success,
    )

    outcomes = {
        arm: [each for row in rows for each in row.outcomes]
        for arm, rows in ((Arm.CONTROL, table.control), (Arm.CANDIDATE, table.candidate))
    }
    control, candidate = (
        Spending([each.cost_usd for each in outcomes[arm]], [each.success for each in outcomes[arm]])
        for arm in Arm
    )
    paired = table.mode is Mode.PAIRED and all(len(row.outcomes) == 1 for row in table.rows)
    compared = (paired_cost_per_success if paired else cost_per_success)(
        control=control, treatment=candidate, seed=seed, level=level
    )
    if compared.control.value is None or compared.treatment.value is None:
        return ""
    low, high = ends(compared.interval)
    width = "" if low is None or high is None else f" (ratio {low:.2f} to {high:.2f}, BCa bootstrap)"
    return (
        f"cost of one success: {_money(compared.treatment.value).lstrip('+')} against "
        f"{_money(compared.control.value).lstrip('+')}{width}"
    )


def by_repository(sample: Sample, level: float) -> tuple[tuple[str, ...], bool]:
    """The test with repositories as what is independent: in a line, and whether it agrees with the decision's
    sign of significance. Nothing is said where there is one repository.
    """
    from tamma.experiments.statistics import clusters, ratios

    control, candidate = on_scale(sample, sample.control), on_scale(sample, sample.candidate)
    if sample.paired:
        found = clusters.clustered_pairs(
            control=control, treatment=candidate, repositories=sample.repos[0], level=level
        )
    else:
        found = clusters.clustered(
            control=control,
            treatment=candidate,
            control_repositories=sample.repos[0],
            treatment_repositories=sample.repos[1],
            level=level,
        )
    if found.p is None:
        return (), True
    if sample.metric.is_ratio:
        found = ratios.exponentiated(found, found.method)
    shown = effect_of(sample, found, p=found.p)
    if shown.estimate is None:
        return (), True
    agrees = shown.p is None or shown.p <= 1.0 - level or (compare(sample, level).p or 1.0) > 1.0 - level
    words = f"by repository ({len(set(sample.repos[0] + sample.repos[1]))}, cluster-robust t)"
    return (_line(words, span(sample.metric, shown.low, shown.high), found),), agrees


def _line(name: str, what: str, found: Comparison) -> str:
    return f"{name}: {what}" + ("" if found.p is None else f", p {found.p:.3g}")


def _money(dollars: float) -> str:
    return f"{'-' if dollars < 0 else '+'}${abs(dollars):.4g}"


def _time(milliseconds: float) -> str:
    return f"{'-' if milliseconds < 0 else '+'}{abs(milliseconds) / 1000:.4g} s"
