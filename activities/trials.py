"""Trials: look up what is to be done, rehearse what needs no repository, record how it went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface.trials import OPEN_TRIAL, OpenedTrial
from activities.pools import ProviderPool
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig
from tamma.model.metrics import RunMetrics
from tamma.model.suite import Rehearsal, SuiteTask
from tamma.model.trial import TrialRequest, TrialResult
from tamma.store.interface import Store
from tamma.suites.rehearsal import Rates, draw, read_rates

HIDDEN_TESTS = "hidden-tests"
"""The error type of a trial whose hidden tests do not pass."""


class TrialActivities:
    """Holds the store and the providers, whose settings declare what rehearsals are drawn from."""

    def __init__(self, store: Store, providers: ProviderPool) -> None:
        self._store = store
        self._providers = providers

    @activity.defn(name=OPEN_TRIAL.name)
    @failing_well
    @heard
    async def open_trial(self, given: TrialRequest) -> OpenedTrial:
        """Find the task and the agent. A rehearsal is drawn and recorded at once: that is all of it."""
        task = await self._task(given)
        config = await self._config(given)
        if task.rehearsal is not None:
            return OpenedTrial(await self._rehearse(given, task, task.rehearsal, config))
        raise ConfigError(f"the task {task.id!r} is no rehearsal", hint="only rehearsals can be run yet")

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

    async def _task(self, given: TrialRequest) -> SuiteTask:
        task = await self._store.read_task(given.suite.hash, given.cell.unit)
        if task is None:
            raise ConfigError(
                f"the suite {given.suite.name!r} ({given.suite.hash[:19]}) has no task {given.cell.unit!r}",
                hint="see its tasks with `tamma bench show`",
            )
        return task

    async def _config(self, given: TrialRequest) -> AgentConfig:
        config = await self._store.read_config(given.agent.hash)
        if config is None:
            raise ConfigError(
                f"no configuration {given.agent.hash[:19]} of {given.agent.name!r} is stored",
                hint="see the agent's versions with `tamma agent show`",
            )
        return config


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
