"""Rules about what others do better: another version, another model, other settings on the same work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tamma.analysis.configs import difference_words, differing
from tamma.analysis.figures.comparing import differences, held_together
from tamma.analysis.recommending.case import LEAST, Case, Idea, Peer, confidence
from tamma.analysis.words import change_of
from tamma.model.analysis import Estimate, MetricDifference, RecommendationKind
from tamma.model.experiment import Metric

NOT_WORSE = 0.10
"""Points of success that a cheaper peer may be worse by, at the lower end of its interval."""


def rules(case: Case) -> Iterable[Idea]:
    """Peers that did better on the same types of tasks in the same repositories, the best of each kind."""
    peers = [peer for peer in case.peers if len(peer.runs) >= LEAST and differing(case.config, peer.config)]
    families = held_together([differences(case.runs, peer.runs) for peer in peers])
    best: dict[RecommendationKind, Idea] = {}
    for peer, family in zip(peers, families, strict=True):
        for idea in _ideas(peer, case, {Metric(each.metric): each for each in family}):
            known = best.get(idea.kind)
            if known is None or (idea.saving.value or 0) > (known.saving.value or 0):
                best[idea.kind] = idea
    yield from best.values()


def _ideas(peer: Peer, case: Case, found: dict[Metric, MetricDifference]) -> Iterable[Idea]:
    success = found[Metric.SUCCESS]
    if success.difference is None:
        return
    told = tuple(
        f"{peer.label}, {each.runs_b} runs, against {case.label}, {each.runs_a} runs: {change_of(each)}"
        for each in found.values()
        if each.difference is not None
    )
    words = difference_words(case.config, peer.config)
    changes = {key: new for key, (_, new) in differing(case.config, peer.config).items()}
    base = Idea(
        RecommendationKind.COST,
        f"work as {peer.label} does: {words}",
        told,
        Metric.COST,
        changes,
        candidate=peer.label,
    )
    cost = found[Metric.COST]
    spared = success.interval is not None and success.interval.low > -NOT_WORSE
    if cost.significant and (cost.difference or 0) > 0 and spared:
        kind = RecommendationKind.CONTEXT if _context_only(changes) else RecommendationKind.COST
        yield replace(base, kind=kind, saving=_saving(cost), confidence=confidence(_runs(cost), proved=True))
    for metric in (Metric.SUCCESS, Metric.QUALITY):
        better = found[metric]
        if better.significant and (better.difference or 0) > 0:
            yield replace(
                base,
                kind=RecommendationKind.QUALITY,
                metric=metric,
                saving=_saving(better),
                confidence=confidence(_runs(better), proved=True),
            )
            return


def _context_only(changes: Iterable[str]) -> bool:
    return all(key.startswith("context.") for key in changes)


def _saving(found: MetricDifference) -> Estimate:
    return Estimate(found.difference, found.interval, _runs(found))


def _runs(found: MetricDifference) -> int:
    return found.runs_a + found.runs_b
