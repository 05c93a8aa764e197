"""Rules about the context window: cuts, overflows, the prompt cache, the size of what is read."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.analysis.figures.comparing import differences
from tamma.analysis.figures.summary import rate
from tamma.analysis.recommending.case import LEAST, Case, Idea, confidence
from tamma.analysis.words import change_of, percent, rate_of
from tamma.model.analysis import Estimate, Interval, RecommendationKind
from tamma.model.experiment import Metric

OFTEN_CUT = 0.2
"""Share of runs with a cut from which cuts are worth avoiding."""
SELDOM_CACHED = 0.3
_SHORTEST_SLICE = 100
_LATEST_CUT = 0.9


def rules(case: Case) -> Iterable[Idea]:
    """What could be better about the use of the window."""
    yield from _overflows(case)
    yield from _cuts(case)
    yield from _cache(case)
    yield from _map(case)


def _overflows(case: Case) -> Iterable[Idea]:
    if case.config.context.compaction != "none" or not case.sums.overflowed:
        return
    lost = [run for run in case.runs if run.overflows and not run.success]
    yield Idea(
        RecommendationKind.CONTEXT,
        "drop old tool results before the window overflows",
        (
            f"{rate_of(rate(case.sums.overflowed, case.sums.runs))} overflowed the window",
            f"{len(lost)} of {len(case.runs)} runs overflowed and failed",
        ),
        Metric.SUCCESS,
        {"context.compaction": "drop-results"},
        rate(len(lost), len(case.runs)),
        confidence(case.sums.runs, proved=False),
    )


def _cuts(case: Case) -> Iterable[Idea]:
    """Cut runs are longer ones, too: what is seen is what cuts go with, at most what they cost."""
    share = case.sums.truncated / case.sums.runs
    if share < OFTEN_CUT:
        return
    cut = [run for run in case.runs if run.truncations]
    whole = [run for run in case.runs if not run.truncations]
    found = {Metric(each.metric): each for each in differences(whole, cut, by_repository=False)}
    told = [f"old results were dropped in {rate_of(rate(case.sums.truncated, case.sums.runs))}"]
    told += [
        f"with cuts against without: {change_of(each)}"
        for metric, each in found.items()
        if metric in (Metric.SUCCESS, Metric.COST) and each.difference is not None
    ]
    cost = found[Metric.COST]
    yield Idea(
        RecommendationKind.CONTEXT,
        "lose less of the conversation to cuts",
        tuple(told),
        Metric.COST,
        _room(case),
        _avoidable(share, cost.difference, cost.interval, len(case.runs)),
        confidence(case.sums.runs, proved=cost.significant),
    )


def _room(case: Case) -> dict[str, str]:
    """Shorter slices first: they leave room at once. Later cuts where slices are short already."""
    context = case.config.context
    if context.slice_lines // 2 >= _SHORTEST_SLICE:
        return {"context.slice_lines": str(context.slice_lines // 2)}
    return {"context.compact_at": f"{min(context.compact_at + 0.15, _LATEST_CUT):.2f}"}


def _avoidable(share: float, difference: float | None, interval: Interval | None, n: int) -> Estimate:
    """The share of all cost that would go, if runs with cuts cost what those without do: with the ratio r of
    their costs and the share s of cut runs, s (r - 1) / (1 + s (r - 1)). No less than nothing."""
    if difference is None or interval is None:
        return Estimate(None)

    def saved(less: float) -> float:
        more = share * -less
        return more / (1 + more)

    if saved(difference) <= 0:
        return Estimate(None)
    return Estimate(saved(difference), Interval(saved(interval.high), saved(interval.low)), n)


def _cache(case: Case) -> Iterable[Idea]:
    sums = case.sums
    if case.config.context.cache_layout == "stable-first" or not sums.input_tokens:
        return
    cached = sums.cache_read_tokens / sums.input_tokens
    if cached >= SELDOM_CACHED:
        return
    yield Idea(
        RecommendationKind.CONTEXT,
        "put what all issues of a repository share first, so that the service's cache is shared, too",
        (f"{percent(cached)} of {sums.input_tokens} input tokens came from the cache",),
        Metric.COST,
        {"context.cache_layout": "stable-first"},
        confidence=confidence(sums.runs, proved=False),
    )


def _map(case: Case) -> Iterable[Idea]:
    """The map of the repository stands in every call; a smaller one may do."""
    sums, files = case.sums, case.config.context.map_files
    if files < 200 or not sums.tokens or not sums.input_tokens or sums.runs < LEAST:
        return
    asked, cached = sums.input_tokens / sums.tokens, sums.cache_read_tokens / sums.input_tokens
    if asked < 0.9 or cached >= 0.5:
        return
    yield Idea(
        RecommendationKind.COST,
        "send a smaller map of the repository",
        (
            f"{percent(asked)} of the tokens are input, {percent(cached)} of that from the cache",
            f"a run asks {sums.turns / sums.runs:.0f} times on average, with a map of up to {files} files",
        ),
        Metric.COST,
        {"context.map_files": str(files // 2)},
    )
