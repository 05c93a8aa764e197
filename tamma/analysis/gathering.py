"""What reports are made of, read from the store: agents, their versions, their runs in two ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tamma.analysis.boundaries import ACTIVATED, ROLLED_BACK
from tamma.model.agent import Agent, AgentVersion
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.measured import RunGroup, RunSample
from tamma.model.suite import SuiteRef
from tamma.store.interface import AgentStore, Event, EventQuery, EventStore, ReportStore, SuiteStore

NO_AGENT = "(no agent)"
"""What runs of no configured agent are called."""
_EVENTS = 1000
_MOST_SUITES = 10


class AnalysisStore(ReportStore, AgentStore, EventStore, SuiteStore, Protocol):
    """What is read of the store for analysis."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose runs are looked at: an agent, one version of it, or runs of no agent."""

    label: str
    agent: Agent | None
    version: int | None = None
    """The one that is looked at; None: all."""
    versions: tuple[AgentVersion, ...] = ()

    @property
    def agent_id(self) -> str:
        return self.agent.agent_id if self.agent else ""

    def selected(self, base: MetricFilter) -> MetricFilter:
        """The filter of its runs."""
        if self.agent is None:
            return replace(base, agents=(), versions=(), without_agent=True)
        versions = (self.version,) if self.version is not None else base.versions
        return replace(base, agents=(self.agent_id,), versions=versions)


@dataclass(frozen=True, slots=True)
class Gathered:
    """One subject's runs, in the range (part 1) and in the one before (part 0)."""

    subject: Subject
    groups: tuple[RunGroup, ...]
    now: RunSample
    before: RunSample
    events: tuple[Event, ...] = ()


def before(time_range: TimeRange) -> TimeRange:
    """The range of the same length before it."""
    return TimeRange(time_range.start - (time_range.end - time_range.start), time_range.start)


async def gather(
    store: AnalysisStore, subject: Subject, selected: MetricFilter, time_range: TimeRange
) -> Gathered:
    """Read it. Raises StoreUnavailable."""
    wanted, earlier = subject.selected(selected), before(time_range)
    both = TimeRange(earlier.start, time_range.end)
    events: tuple[Event, ...] = ()
    if subject.agent is not None:
        query = EventQuery((ACTIVATED, ROLLED_BACK), (f"agent:{subject.agent_id}",))
        events = await store.read_events(query, limit=_EVENTS)
    return Gathered(
        subject,
        await store.sum_runs(wanted, both, parts=2),
        await store.sample_runs(wanted, time_range),
        await store.sample_runs(wanted, earlier),
        events,
    )


async def subjects(store: AnalysisStore, *, stock: bool = True) -> tuple[Subject, ...]:
    """Every agent with an active version, by name; with `stock`, runs of no agent too, last."""
    found = [
        Subject(agent.name, agent, versions=await store.list_versions(agent.agent_id))
        for agent in await store.list_agents()
        if agent.active is not None
    ]
    return (*found, Subject(NO_AGENT, None)) if stock else tuple(found)


async def place_to_test(store: AnalysisStore, runs: Sequence[RunSample]) -> tuple[SuiteRef | None, str]:
    """Where a change could be tested: the largest suite of real tasks, and the repository with the most runs.

    A rehearsal draws its outcomes: nothing that an agent does changes them.
    """
    suite: SuiteRef | None = None
    for ref in sorted(await store.list_suites(), key=lambda each: -each.tasks)[:_MOST_SUITES]:
        found = await store.find_suite(ref.name, ref.hash)
        if found is not None and all(task.rehearsal is None for task in found.tasks):
            suite = ref
            break
    counts: dict[str, int] = {}
    for sample in runs:
        for run in sample.values:
            counts[run.repo] = counts.get(run.repo, 0) + 1
    return suite, max(counts, key=lambda repo: (counts[repo], repo), default="*")
