"""What A/B tests do to agents: make a winner active, watch it, take it back; and give live runs their arm."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from temporalio import activity

from activities.experiments import plan_of
from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface.experiments import (
    APPLY_CANDIDATE,
    ASSIGN_AGENT,
    ROLL_BACK,
    WATCH_CANARY,
    Applied,
    ApplyCandidate,
    AssignAgent,
    AssignedAgent,
    RollBack,
    RolledBack,
    WatchCanary,
)
from tamma.agents.pinning import pin
from tamma.errors import StoreConflict, StoreError
from tamma.experiments.assignment import LiveArms
from tamma.experiments.canary import Count, judge_canary
from tamma.experiments.facts import HISTORY_DAYS
from tamma.model.agent import Agent, AgentConfig, AgentPin, AgentVersion
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.experiment import ABTestPlan, Arm
from tamma.model.metrics import Cell, RunMetrics
from tamma.model.task import AgentChoice
from tamma.model.verdict import CanaryWatch
from tamma.store.interface import Store

_TRIES = 3
"""How often somebody else's change of the agent in the same moment is looked at again."""


class WinnerActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=APPLY_CANDIDATE.name)
    @failing_well
    @heard
    async def apply_candidate(self, given: ApplyCandidate) -> Applied:
        """Make the candidate's configuration the active version of the control's agent, unless that agent is
        not what the approval was about. Done already is done."""
        plan, _ = await plan_of(self._store, given.test_id)
        config = await self._store.read_config(plan.candidate.hash)
        if config is None:
            raise StoreError(f"the configuration {plan.candidate.hash[:19]} is not stored any more")
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                return await self._apply(plan, config, given)
            except StoreConflict:
                if last:
                    raise
        raise AssertionError("unreachable")

    async def _apply(self, plan: ABTestPlan, config: AgentConfig, given: ApplyCandidate) -> Applied:
        agent = await self._agent(plan)
        if agent.deleted:
            return Applied(None, agent.active, f"the agent {plan.control.name!r} was deleted")
        versions = await self._store.list_versions(agent.agent_id)
        active = next((each for each in versions if each.number == agent.active), None)
        if active is not None and active.hash == plan.candidate.hash:
            return Applied(active.number, active.number)
        if agent.active != given.active:
            now = f"version {agent.active} is active" if agent.active else "no version is active"
            was = f"version {given.active}" if given.active else "none"
            return Applied(None, agent.active, f"{now} of {agent.name!r} by now, and it was {was}")
        version = await self._version(agent, versions, plan, config, given)
        agent = await self._agent(plan)
        if agent.active != given.active:
            raise StoreConflict(f"{agent.name!r} was changed in this moment")
        await self._store.activate(
            agent.agent_id, version.number, author=given.by, reason=given.reason, revision=agent.revision
        )
        return Applied(version.number, version.number)

    async def _version(
        self,
        agent: Agent,
        versions: tuple[AgentVersion, ...],
        plan: ABTestPlan,
        config: AgentConfig,
        given: ApplyCandidate,
    ) -> AgentVersion:
        """The agent's version with the candidate's configuration; a new one where it has none."""
        same = [each for each in versions if each.hash == plan.candidate.hash]
        if same:
            return same[-1]
        return await self._store.add_version(
            agent.agent_id,
            config,
            parent=agent.active,
            author=given.by,
            reason=given.reason,
            revision=agent.revision,
        )

    @activity.defn(name=WATCH_CANARY.name)
    @failing_well
    @heard
    async def watch_canary(self, given: WatchCanary) -> CanaryWatch:
        """Count the production runs of the applied version and of the versions before it."""
        plan, _ = await plan_of(self._store, given.test_id)
        runs = await self._runs(plan, (given.version,), TimeRange(given.since, given.until))
        earlier = TimeRange(given.since - timedelta(days=HISTORY_DAYS), given.since)
        before = await self._runs(plan, (plan.control.version,), earlier)
        return judge_canary(
            given.version,
            _count(runs),
            _count(before),
            planned=plan.canary.runs,
            margin=plan.canary.margin,
        )

    async def _runs(
        self, plan: ABTestPlan, versions: tuple[int, ...], within: TimeRange
    ) -> tuple[RunMetrics, ...]:
        wanted = MetricFilter(agents=(plan.control.agent_id,), versions=versions)
        return await self._store.read_runs(wanted, within)

    @activity.defn(name=ROLL_BACK.name)
    @failing_well
    @heard
    async def roll_back_candidate(self, given: RollBack) -> RolledBack:
        """Make the version before active again, unless somebody changed it since. Done already is done."""
        plan, _ = await plan_of(self._store, given.test_id)
        for last in (False,) * (_TRIES - 1) + (True,):
            agent = await self._agent(plan)
            if agent.active == given.back_to:
                return RolledBack(agent.active)
            if agent.active != given.version or agent.deleted:
                now = f"version {agent.active} is active" if agent.active else "no version is active"
                return RolledBack(agent.active, f"{now} of {agent.name!r} by now: it is left alone")
            try:
                done = await self._store.activate(
                    agent.agent_id,
                    given.back_to,
                    author="tamma",
                    reason=given.reason,
                    revision=agent.revision,
                )
            except StoreConflict:
                if last:
                    raise
            else:
                return RolledBack(done.active)
        raise AssertionError("unreachable")

    @activity.defn(name=ASSIGN_AGENT.name)
    @failing_well
    @heard
    async def assign_agent(self, given: AssignAgent) -> AssignedAgent:
        """The arm of a production run in the oldest live test that wants it. The same run, the same arm."""
        for test_id, plan in await self._store.live_tests():
            if not wants(plan, given) or not await self._stands(plan.candidate):
                continue
            unit, stratum = f"{given.repo}#{given.issue}", f"{given.task_type.value} {given.repo}"
            arm = await self._store.draw_live(
                test_id, unit, stratum, LiveArms(plan.seed, stratum), most=plan.sample_size
            )
            if arm is not None:
                choice = await self._choice(plan.candidate) if arm is Arm.CANDIDATE else None
                return AssignedAgent(Cell(test_id, arm.value, unit), choice, plan.name)
        return AssignedAgent()

    async def _stands(self, candidate: AgentPin) -> bool:
        """Whoever deletes an agent wants no run to work as it, whatever was planned before."""
        agent = await self._store.find_agent(candidate.agent_id)
        return agent is not None and not agent.deleted

    async def _choice(self, candidate: AgentPin) -> AgentChoice:
        agent = await self._store.find_agent(candidate.agent_id)
        version = await self._store.read_version(candidate.agent_id, candidate.version)
        if agent is None or version is None:
            raise StoreError(f"there is no {candidate.name}@{candidate.version} any more")
        return pin(agent, version)

    async def _agent(self, plan: ABTestPlan) -> Agent:
        agent = await self._store.find_agent(plan.control.agent_id)
        if agent is None:
            raise StoreError(f"there is no agent {plan.control.name!r} any more")
        return agent


def wants(plan: ABTestPlan, given: AssignAgent) -> bool:
    """Whether a live test takes such a run: of the control's version, in its repositories, of its types."""
    return (
        given.agent.agent_id == plan.control.agent_id
        and given.agent.version == plan.control.version
        and (not plan.task_types or given.task_type in plan.task_types)
        and (not plan.repos or any(fnmatchcase(given.repo, pattern) for pattern in plan.repos))
    )


def _count(runs: tuple[RunMetrics, ...]) -> Count:
    return Count(len(runs), sum(run.success for run in runs))
