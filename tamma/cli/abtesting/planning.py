"""From names and options to a plan, and what the plan asks for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from tamma.agents.configs.naming import parse_ref, unknown
from tamma.cli.abtesting.options import in_options
from tamma.errors import ConfigError
from tamma.experiments.checking import refused
from tamma.experiments.facts import gather
from tamma.experiments.plan_form import form_of, plan_of_form
from tamma.experiments.planning import Prepared, prepare
from tamma.model.agent import AgentPin
from tamma.model.experiment import ABTestId, ABTestPlan, Forecast, Mode
from tamma.model.ids import uuid7
from tamma.model.suite import SuiteRef
from tamma.store.interface import Store


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan that can be started, just as it is shown: its number of units and its seed are in it."""

    test_id: ABTestId
    prepared: Prepared
    forecast: Forecast

    @property
    def plan(self) -> ABTestPlan:
        return self.prepared.plan


async def ready(store: Store, given: Mapping[str, object]) -> Ready:
    """Find agents and suite, check and forecast the plan. Raises ConfigError with all that is wrong."""
    form = form_of(given)
    control, candidate = await pin_of(store, form.control), await pin_of(store, form.candidate)
    suite = await _suite(store, form.suite) if form.suite else None
    plan, test_id = plan_of_form(form, control, candidate, suite), ABTestId(uuid7())
    facts = await gather(store, plan)
    prepared = await asyncio.to_thread(prepare, plan, facts, test_id)
    if prepared.problems:
        raise refused(tuple(in_options(problem) for problem in prepared.problems))
    assert prepared.forecast is not None
    return Ready(test_id, prepared, prepared.forecast)


async def pin_of(store: Store, text: str) -> AgentPin:
    """The version that `NAME@N` names; of `NAME` alone the active one, or the newest. Raises ConfigError."""
    ref = parse_ref(text)
    agent = await store.find_agent(ref.name)
    if agent is None:
        raise unknown(ref, [each.name for each in await store.list_agents()])
    number = ref.version or agent.active or agent.latest
    version = await store.read_version(agent.agent_id, number)
    if version is None:
        raise ConfigError(
            f"{agent.name!r} has no version {number}",
            hint=f"1 to {agent.latest}: `tamma agent show {agent.name}`",
        )
    return AgentPin(agent.agent_id, agent.name, version.number, version.hash)


async def _suite(store: Store, name: str) -> SuiteRef:
    found = await store.find_suite(name)
    if found is None:
        names = ", ".join(each.name for each in await store.list_suites()) or "none"
        raise ConfigError(
            f"there is no suite {name!r}", hint=f"there are: {names}; `tamma bench import` adds one"
        )
    return SuiteRef(found.name, found.hash, len(found.tasks))


def forecast_lines(ready: Ready) -> list[str]:
    """What is asked for, before anything is spent."""
    from tamma.experiments.planning import effect_words

    plan, forecast = ready.prepared.plan, ready.forecast
    arms = (
        f"{plan.control.name}@{plan.control.version} against {plan.candidate.name}@{plan.candidate.version}"
    )
    unit = "tasks" if plan.mode is Mode.PAIRED else "runs"
    where = f"the suite {plan.suite.name}" if plan.suite else f"production runs in {', '.join(plan.repos)}"
    looks = ", ".join(str(look.units) for look in ready.prepared.looks)
    rows = {
        "test": f"{plan.name}: {arms}, on {where}",
        "decides": f"{plan.primary}, at least {effect_words(plan.primary, plan.minimum_effect)}",
        unit: _units(forecast, plan),
        "trials": f"{forecast.trials}, {plan.concurrency} at once" if plan.suite else str(forecast.trials),
        "finds": f"a difference of {effect_words(plan.primary, forecast.detectable)} or more, "
        f"in {plan.power:.0%} of such tests",
        "looks": f"after {looks} {unit}",
        "cost": cost_words(forecast, plan),
        "time": time_words(forecast, plan),
        "based on": forecast.basis,
    }
    width = max(len(key) for key in rows)
    return [
        *(f"{key:<{width}}  {value}" for key, value in rows.items()),
        *(f"warning: {words}" for words in forecast.warnings),
    ]


def cost_words(forecast: Forecast, plan: ABTestPlan) -> str:
    """Expected, between, and the limit."""
    limit = f"; it stops at {plan.budget_usd} USD" if plan.budget_usd is not None else ""
    if forecast.cost_usd is None:
        words = f"unknown, at most {forecast.cost_high_usd} USD{limit}"
    else:
        between = f"{forecast.cost_low_usd} to {forecast.cost_high_usd}"
        words = f"about {forecast.cost_usd} USD ({between}){limit}"
    return f"nothing is paid: a rehearsal, whose costs are drawn ({words})" if forecast.rehearsal else words


def time_words(forecast: Forecast, plan: ABTestPlan) -> str:
    """How long, and the limit."""
    limit = f"it ends after {plan.duration_days:g} days at the latest"
    if forecast.days is None:
        return f"unknown; {limit}"
    if forecast.days >= 1:
        return f"about {forecast.days:.1f} days; {limit}"
    minutes = forecast.days * 24 * 60
    if minutes >= 90:
        return f"about {minutes / 60:.1f} hours"
    return f"about {math.ceil(minutes)} minutes" if minutes > 1 else "about a minute"


def _units(forecast: Forecast, plan: ABTestPlan) -> str:
    planned, needed = forecast.tasks_planned, forecast.tasks_needed
    if planned == needed:
        return f"{planned}, as many as a power of {plan.power:.0%} needs"
    return f"{planned}; a power of {plan.power:.0%} needs {needed}"
