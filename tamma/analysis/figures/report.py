"""Reports from what was gathered: pure, and long enough for a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tamma.analysis.boundaries import boundaries
from tamma.analysis.configs import difference_words
from tamma.analysis.figures.benefit import cost_benefit
from tamma.analysis.figures.comparing import cross_table, differences, held_together
from tamma.analysis.figures.summary import notes, summary
from tamma.analysis.figures.trends import Course, trends
from tamma.analysis.gathering import NO_AGENT, Gathered
from tamma.analysis.insights import insights
from tamma.analysis.recommending.case import Case, Peer
from tamma.analysis.recommending.rules import recommendations
from tamma.analysis.words import change_of
from tamma.model.agent import AgentVersion
from tamma.model.analysis import (
    AgentComparison,
    CostBenefit,
    MetricDifference,
    MetricSummary,
    OptimizationRecommendation,
    PerformanceReport,
    TimeRange,
    TrendAnalysis,
)
from tamma.model.measured import RunGroup, RunSums, RunValues, merged, sampled
from tamma.model.suite import SuiteRef

PARTS = 14
"""Points of a trend within a report."""
_SMALLEST_PEER = 10


def reports(
    gathered: Sequence[Gathered], time_range: TimeRange, *, suite: SuiteRef | None = None, repo: str = "*"
) -> tuple[PerformanceReport, ...]:
    """One a subject. What is compared, is compared over all of them: the p-values are held together."""
    changes = held_together([differences(each.before.values, each.now.values) for each in gathered])
    comparisons = cross_table({each.subject.label: each.now.values for each in gathered if each.now.values})
    courses = _trends(gathered, time_range)
    peers = _peers(gathered)
    return tuple(
        _report(
            each,
            time_range,
            change,
            tuple(found for found in comparisons if each.subject.label in (found.agent, found.against)),
            courses[each.subject.label],
            _benefit(each, gathered),
            recommended(each, peers, suite=suite, repo=repo),
        )
        for each, change in zip(gathered, changes, strict=True)
    )


def summaries(
    groups: Iterable[RunGroup], key: str, hours: float, *, part: int = 1
) -> Mapping[str, MetricSummary]:
    """The figures of each task type, or of each version."""
    found: dict[str, list[RunSums]] = {}
    for each in groups:
        if each.part == part:
            found.setdefault(str(getattr(each, key)), []).append(each.sums)
    return {name: summary(merged(sums), hours) for name, sums in sorted(found.items())}


def recommended(
    found: Gathered, peers: Sequence[Peer], *, suite: SuiteRef | None = None, repo: str = "*"
) -> tuple[OptimizationRecommendation, ...]:
    """What is worth testing for the agent's active version, or the one that is looked at."""
    agent = found.subject.agent
    if agent is None:
        return ()
    number = found.subject.version or agent.active or agent.latest
    version = next((each for each in found.subject.versions if each.number == number), None)
    if version is None:
        return ()
    label = f"{agent.name}@{number}"
    case = Case(
        agent=agent.name,
        version=number,
        latest=agent.latest,
        config=version.config,
        sums=merged(each.sums for each in found.groups if each.part == 1 and each.version == number),
        runs=_of_version(found.now.values, number),
        peers=tuple(peer for peer in peers if peer.label != label),
        suite=suite.name if suite else "",
        tasks=suite.tasks if suite else 0,
        repo=repo,
    )
    return recommendations(case)


def peers_of(gathered: Sequence[Gathered]) -> tuple[Peer, ...]:
    """Every version with enough runs in the range."""
    return _peers(gathered)


def patterns(found: Gathered) -> tuple[str, ...]:
    """Which customisation went with which effect: each version against the one it was made from, within the
    range and the one before, all held together."""
    by_number = {each.number: each for each in found.subject.versions}
    runs = (*found.before.values, *found.now.values)
    pairs = [
        (by_number[each.parent], each)
        for each in found.subject.versions
        if each.parent in by_number
        and len(_of_version(runs, each.number)) >= _SMALLEST_PEER
        and len(_of_version(runs, each.parent)) >= _SMALLEST_PEER
    ]
    families = held_together(
        [differences(_of_version(runs, old.number), _of_version(runs, new.number)) for old, new in pairs]
    )
    return tuple(
        f"{found.subject.label}@{new.number} ({difference_words(old.config, new.config)}) against "
        f"@{old.number}: {change_of(each)}"
        for (old, new), family in zip(pairs, families, strict=True)
        for each in family
        if each.significant and each.difference is not None
    )


def _report(
    found: Gathered,
    time_range: TimeRange,
    changes: tuple[MetricDifference, ...],
    comparisons: tuple[AgentComparison, ...],
    courses: tuple[TrendAnalysis, ...],
    benefit: CostBenefit | None,
    proposals: tuple[OptimizationRecommendation, ...],
) -> PerformanceReport:
    hours = (time_range.end - time_range.start).total_seconds() / 3600
    metrics, earlier = (summary(sampled(found.groups, part=part), hours) for part in (1, 0))
    said = [*notes(metrics), *(note for note in (found.now.note, found.before.note) if note)]
    report = PerformanceReport(
        agent=found.subject.label,
        time_range=time_range,
        metrics=metrics,
        previous=earlier if earlier.runs else None,
        by_task_type=summaries(found.groups, "task_type", hours),
        by_version=summaries(found.groups, "version", hours) if found.subject.agent else {},
        trends=courses,
        comparisons=comparisons,
        cost_benefit=benefit,
        recommendations=proposals,
        notes=tuple(said),
        changes=changes,
        agent_id=found.subject.agent_id,
    )
    return replace(report, insights=(*insights(report), *patterns(found)))


def _trends(gathered: Sequence[Gathered], time_range: TimeRange) -> Mapping[str, tuple[TrendAnalysis, ...]]:
    """Over the range and the one before, so that a change at the range's beginning is seen, too."""
    whole = TimeRange(time_range.start - (time_range.end - time_range.start), time_range.end)
    found: list[Course] = []
    for each in gathered:
        runs = (*each.before.values, *each.now.values)
        found.append(Course(each.subject.label, runs, each.groups, boundaries(each.events, runs)))
    return trends(found, whole, 2)


def _peers(gathered: Sequence[Gathered]) -> tuple[Peer, ...]:
    found: list[Peer] = []
    for each in gathered:
        for version in each.subject.versions:
            runs = _of_version(each.now.values, version.number)
            if len(runs) >= _SMALLEST_PEER:
                found.append(Peer(f"{each.subject.label}@{version.number}", version.config, runs))
    return tuple(found)


def _benefit(found: Gathered, gathered: Sequence[Gathered]) -> CostBenefit | None:
    """The active version against the stock configuration: runs of no agent with the same provider, or else
    the agent's own first version."""
    agent = found.subject.agent
    number = found.subject.version or (agent.active if agent else None)
    if agent is None or number is None:
        return None
    runs = _of_version(found.now.values, number)
    providers = {run.provider for run in runs}
    plain = [
        run
        for each in gathered
        if each.subject.agent is None
        for run in each.now.values
        if run.provider in providers
    ]
    label = f"{agent.name}@{number}"
    if plain:
        return cost_benefit(label, NO_AGENT, runs, plain)
    first = _of_version(found.now.values, 1)
    if number == 1 or not first or not _same_provider(found.subject.versions, number):
        return None
    return cost_benefit(label, f"{agent.name}@1", runs, first)


def _same_provider(versions: Sequence[AgentVersion], number: int) -> bool:
    providers = {each.config.provider for each in versions if each.number in (1, number)}
    return len(providers) == 1


def _of_version(runs: Sequence[RunValues], number: int | None) -> tuple[RunValues, ...]:
    return tuple(run for run in runs if run.version == number)
