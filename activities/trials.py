"""Trials: look up what is to be done, rehearse what needs no repository, record how it went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.failures import failing_well
from activities.grading import HIDDEN_TESTS, read_task
from activities.heartbeat import heard
from activities.interface import AcceptedIssue
from activities.interface.trials import OPEN_TRIAL, OpenedTrial, TrialBrief
from activities.pools import ProviderPool
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, WorkContext
from tamma.model.metrics import RunMetrics
from tamma.model.references import RepoRef
from tamma.model.suite import GraderWeights, Rehearsal, SuiteTask
from tamma.model.task import AgentChoice
from tamma.model.trial import TrialRequest, TrialResult
from tamma.store.interface import Store
from tamma.suites.rehearsal import Rates, draw, read_rates

BASE, BRANCH = "base", "tamma/trial"
"""A trial's clone has one branch below the work and one for it; neither is ever pushed."""
NO_PLAN = "(There is no plan: the change was made by somebody else.)"
Locate = Callable[[str], RepoRef]
"""Where a clone's address is: on which configured platform, if any."""


def nowhere(address: str) -> RepoRef:
    """An address that no configured platform has."""
    return RepoRef("", "", address)


class TrialActivities:
    """Holds the store and the providers, whose settings declare what rehearsals are drawn from."""

    def __init__(self, store: Store, providers: ProviderPool, locate: Locate = nowhere) -> None:
        self._store = store
        self._providers = providers
        self._locate = locate

    @activity.defn(name=OPEN_TRIAL.name)
    @failing_well
    @heard
    async def open_trial(self, given: TrialRequest) -> OpenedTrial:
        """Find the task and the agent. A rehearsal is drawn and recorded at once: that is all of it."""
        task, graders = await read_task(self._store, given.suite.hash, given.cell.unit)
        config = await self._config(given)
        if task.rehearsal is not None:
            return OpenedTrial(await self._rehearse(given, task, task.rehearsal, config))
        return OpenedTrial(brief=await self._brief(given, task, config, graders))

    async def _brief(
        self, given: TrialRequest, task: SuiteTask, config: AgentConfig, graders: GraderWeights
    ) -> TrialBrief:
        review = task.context is WorkContext.REVIEW
        title = task.title or task.issue.strip().partition("\n")[0].strip("# ")[:200]
        issue = AcceptedIssue(
            number=task.id,
            title=title,
            url="",
            snapshot=await self._store.put_blob(issue_text(task).encode(), "text/markdown"),
            clone_url=task.repository,
            base_branch=BASE,
            base_sha=task.base_commit,
            branch=BRANCH,
            capabilities=(),
            task_type=task.task_type,
        )
        return TrialBrief(
            context=task.context,
            repo=self._locate(task.repository) if task.repository else nowhere(given.suite.name),
            issue=issue,
            agent=_choice(given, config),
            limits=given.limits or task.limits,
            test_command=task.test_command,
            setup_command=task.setup_command,
            plan=await self._store.put_blob(NO_PLAN.encode(), "text/markdown") if review else None,
            review_diff=await self._store.put_blob(task.review_patch.encode(), "text/x-diff")
            if review
            else None,
            judged=graders.judge > 0 and task.context is WorkContext.DEVELOPMENT,
        )

    async def _rehearse(
        self, given: TrialRequest, task: SuiteTask, rehearsal: Rehearsal, config: AgentConfig
    ) -> TrialResult:
        provider = await self._providers.get(config.provider)
        if provider.settings.type != "scripted":
            raise ConfigError(
                f"{given.agent.name!r} works with {config.provider!r}: a rehearsal asks no model",
                hint="use an agent of a provider entry of type 'scripted' whose options declare `rehearsal`",
            )
        rates = read_rates(provider.settings.options, config.provider)
        run_id = str(activity.info().workflow_run_id)
        run = rehearsed_run(given, task, rehearsal, config.provider, rates, run_id)
        await self._store.record_run(run)
        return TrialResult(
            run.run_id, run.success, run.cost_usd, run.duration_ms, run.quality, run.error_type
        )

    async def _config(self, given: TrialRequest) -> AgentConfig:
        config = await self._store.read_config(given.agent.hash)
        if config is None:
            raise ConfigError(
                f"no configuration {given.agent.hash[:19]} of {given.agent.name!r} is stored",
                hint="see the agent's versions with `tamma agent show`",
            )
        return config


def issue_text(task: SuiteTask) -> str:
    """The issue as an agent sees it: its title as a heading, unless the text begins with it."""
    text = task.issue.strip()
    if not task.title or text.partition("\n")[0].strip("# ").startswith(task.title[:100]):
        return text + "\n"
    return f"# {task.title}\n\n{text}".rstrip() + "\n"


def _choice(given: TrialRequest, config: AgentConfig) -> AgentChoice:
    return AgentChoice(
        provider=config.provider,
        model=config.model,
        temperature=config.parameters.temperature,
        max_output_tokens=config.parameters.max_tokens,
        name=given.agent.name,
        pinned=True,
        agent_id=given.agent.agent_id,
        version=given.agent.version,
        config=given.agent.hash,
        context=config.context,
    )


def rehearsed_run(
    given: TrialRequest,
    task: SuiteTask,
    rehearsal: Rehearsal,
    provider: str,
    rates: Rates,
    run_id: str,
) -> RunMetrics:
    """The measurements of a rehearsal. Nobody waits for its declared duration: it begins in the past."""
    drawn = draw(given.seed, given.cell, rehearsal, rates)
    ended = datetime.now(UTC)
    return RunMetrics(
        run_id=run_id,
        task_id=given.task_id,
        kind=given.kind,
        agent=given.agent,
        provider=provider,
        model=rates.model,
        served_models=(rates.model,),
        repo="",
        issue=task.id,
        task_type=task.task_type,
        started_at=ended - timedelta(seconds=drawn.seconds),
        ended_at=ended,
        duration_ms=round(drawn.seconds * 1000),
        waiting_ms=0,
        turns=1,
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cost_usd=drawn.cost_usd,
        unpriced_calls=0,
        success=drawn.success,
        error_type="" if drawn.success else HIDDEN_TESTS,
        quality=drawn.quality,
        cell=given.cell,
    )
