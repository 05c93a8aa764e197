"""The specification's `PerformanceAnalyzer`: reports, comparisons, trends, recommendations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tamma.analysis.boundaries import boundaries
from tamma.analysis.gathering import (
    NO_AGENT,
    AnalysisStore,
    Gathered,
    Subject,
    gather,
    place_to_test,
    subjects,
)
from tamma.errors import ConfigError
from tamma.model.analysis import (
    ComparisonResult,
    MetricFilter,
    OptimizationRecommendation,
    PerformanceReport,
    TimeRange,
    TrendAnalysis,
)

EVERYTHING = MetricFilter()


class PerformanceAnalyzer:
    """Holds the store. What computes does so in a thread."""

    def __init__(self, store: AnalysisStore) -> None:
        self._store = store

    async def reports(
        self, time_range: TimeRange, selected: MetricFilter = EVERYTHING
    ) -> tuple[PerformanceReport, ...]:
        """Of every active agent, and of runs of no agent where there are some, compared with each other."""
        found = await self._gathered(await subjects(self._store), time_range, selected)
        kept = [each for each in found if each.subject.agent is not None or each.groups]
        return await self._reports(kept, time_range)

    async def report(
        self, name: str, time_range: TimeRange, selected: MetricFilter = EVERYTHING
    ) -> PerformanceReport:
        """Of one agent (`NAME`, all its versions, or `NAME@N`); its recommendations look at the others, too.

        Raises ConfigError for an agent that there is not.
        """
        subject = await self.subject(name)
        others = [each for each in await subjects(self._store) if each.agent_id != subject.agent_id]
        found = await self._gathered([subject, *others], time_range, selected)
        kept = [each for each in found if each.subject is subject or each.now.values]
        return (await self._reports(kept, time_range))[0]

    async def compare(
        self, first: str, second: str, time_range: TimeRange, selected: MetricFilter = EVERYTHING
    ) -> ComparisonResult:
        """`second` against `first`, on what both worked on. Raises ConfigError."""
        from tamma.analysis.figures.comparing import comparison

        sides = [await self.subject(first), await self.subject(second)]
        samples = [await self._store.sample_runs(each.selected(selected), time_range) for each in sides]
        names = sides[0].label, sides[1].label
        found = await asyncio.to_thread(comparison, names, (samples[0].values, samples[1].values), time_range)
        said = tuple(sample.note for sample in samples if sample.note)
        return replace(found, warnings=(*found.warnings, *said), runs_a=samples[0].of, runs_b=samples[1].of)

    async def trends(
        self, names: Sequence[str], time_range: TimeRange, selected: MetricFilter = EVERYTHING, *, parts: int
    ) -> tuple[TrendAnalysis, ...]:
        """Every metric of these agents (all active ones, if empty), the p-values held together."""
        from tamma.analysis.figures.trends import Course, trends

        wanted = [await self.subject(name) for name in names] or await subjects(self._store)
        courses: list[Course] = []
        for each in wanted:
            found = await gather(self._store, each, selected, time_range)
            groups = await self._store.sum_runs(each.selected(selected), time_range, parts=parts)
            known = boundaries(found.events, found.now.values)
            courses.append(Course(each.label, found.now.values, groups, known))
        made = await asyncio.to_thread(trends, courses, time_range, parts)
        return tuple(trend for each in courses if each.runs or names for trend in made[each.agent])

    async def recommendations(
        self, name: str, time_range: TimeRange, selected: MetricFilter = EVERYTHING
    ) -> tuple[OptimizationRecommendation, ...]:
        """What is worth testing for one agent."""
        return (await self.report(name, time_range, selected)).recommendations

    async def subject(self, name: str) -> Subject:
        """The agent, or the version of one, of that name. Raises ConfigError."""
        if name == NO_AGENT:
            return Subject(NO_AGENT, None)
        label, at, number = name.partition("@")
        agent = await self._store.find_agent(label)
        if agent is None:
            known = ", ".join(each.name for each in await self._store.list_agents()) or "none"
            raise ConfigError(f"there is no agent {label!r}", hint=f"there are: {known}")
        versions = await self._store.list_versions(agent.agent_id)
        if not at:
            return Subject(agent.name, agent, versions=versions)
        if not number.isdecimal() or not 1 <= int(number) <= agent.latest:
            raise ConfigError(
                f"{agent.name!r} has no version {number!r}", hint=f"its versions are 1 to {agent.latest}"
            )
        return Subject(f"{agent.name}@{int(number)}", agent, int(number), versions)

    async def _gathered(
        self, wanted: Sequence[Subject], time_range: TimeRange, selected: MetricFilter
    ) -> list[Gathered]:
        return [await gather(self._store, each, selected, time_range) for each in wanted]

    async def _reports(
        self, gathered: Sequence[Gathered], time_range: TimeRange
    ) -> tuple[PerformanceReport, ...]:
        from tamma.analysis.figures.report import reports

        suite, repo = await place_to_test(self._store, [each.now for each in gathered])
        return await asyncio.to_thread(reports, gathered, time_range, suite=suite, repo=repo)
