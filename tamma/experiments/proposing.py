"""From a recommendation to a test: the change becomes a draft version, and the draft an A/B test's candidate.

Nothing is ever applied here. The version is a draft until its test has a winner and somebody approves it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, cast

from tamma.errors import ConfigError
from tamma.model.ab_run import ABTestStart
from tamma.model.agent import Agent, AgentConfig, AgentPin, AgentVersion
from tamma.model.agent_json import config_from_json, config_hash, config_to_json
from tamma.model.analysis import OptimizationRecommendation
from tamma.model.experiment import ABTestId, ABTestPlan, Guardrail, Metric
from tamma.model.suite import SuiteRef
from tamma.store.interface import AgentStore

BY = "tamma"
"""The author of versions that analysis proposes."""
SUCCESS_MARGIN = 0.05
"""What a cheaper or quicker version may lose in success, at most: 5 points."""
_TESTS = uuid.UUID("0d9f1b0a-6a3f-5a57-8f0e-6c2f4a9d1e77")
_METRICS = {"success_rate": Metric.SUCCESS, "average_cost": Metric.COST, "average_duration": Metric.DURATION}


async def start_from_recommendation(
    store: AgentStore, found: OptimizationRecommendation, suite: SuiteRef
) -> ABTestStart:
    """The test that a recommendation asks for; its candidate is there as a draft then.

    The same recommendation for the same version gives the same test, however often it is asked for. Raises
    ConfigError where the agent is not active, does not allow tests, or the change makes no configuration.
    """
    agent, active = await _active(store, found.agent)
    settings = active.config.optimization
    if not settings.enable_ab_testing:
        raise ConfigError(
            f"{agent.name!r} does not allow that tests are proposed for it",
            hint="`tamma agent edit --set optimizationSettings.enableABTesting=true`, then activate it",
        )
    candidate = await _draft(store, agent, active, changed(active.config, found.change), found)
    primary = _primary(found.metric)
    plan = ABTestPlan(
        name=f"{agent.name}-{found.id}"[:100],
        control=AgentPin(agent.agent_id, agent.name, active.number, active.hash),
        candidate=AgentPin(agent.agent_id, agent.name, candidate.number, candidate.hash),
        suite=suite,
        primary=primary,
        minimum_effect=settings.performance_threshold * (100 if primary is Metric.QUALITY else 1),
        confidence_level=1.0 - settings.statistical_significance,
        guardrails=() if primary is Metric.SUCCESS else (Guardrail(Metric.SUCCESS, SUCCESS_MARGIN),),
        note=f"{found.title} ({found.id})",
    )
    identity = f"{found.id} {active.hash} {candidate.hash} {suite.hash}"
    return ABTestStart(ABTestId(str(uuid.uuid5(_TESTS, identity))), plan, by=BY)


def changed(config: AgentConfig, change: Mapping[str, str]) -> AgentConfig:
    """The configuration with other values at dotted fields: `context.compact_at` -> `0.5`.

    A value is read as JSON where it is some, else as text. Raises ConfigError for a field that there is not,
    a value of the wrong kind, and a change that changes nothing.
    """
    shape = cast("dict[str, Any]", json.loads(config_to_json(config)))
    for path, value in change.items():
        *way, last = path.split(".")
        inner: dict[str, Any] | None = shape
        for name in way:
            inner = _inside(inner, name)
        if inner is None or (last not in inner and way != ["prompts"]):
            raise ConfigError(f"an agent's configuration has no field {path!r}")
        inner[last] = _value(value)
    try:
        made = config_from_json(json.dumps(shape))
    except ValueError as error:
        raise ConfigError(f"{dict(change)!r} makes no configuration: {error}") from error
    if config_hash(made) == config_hash(config):
        raise ConfigError(f"{dict(change)!r} changes nothing")
    return made


def _inside(shape: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    found: object = shape.get(name) if shape is not None else None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


async def _active(store: AgentStore, name: str) -> tuple[Agent, AgentVersion]:
    agent = await store.find_agent(name)
    version = (
        await store.read_version(agent.agent_id, agent.active)
        if agent is not None and agent.active is not None
        else None
    )
    if agent is None or version is None:
        raise ConfigError(f"no version of an agent {name!r} is active", hint="`tamma agent list` shows all")
    return agent, version


async def _draft(
    store: AgentStore,
    agent: Agent,
    active: AgentVersion,
    config: AgentConfig,
    found: OptimizationRecommendation,
) -> AgentVersion:
    """The agent's version of that configuration; a new draft where it has none."""
    same = config_hash(config)
    for version in reversed(await store.list_versions(agent.agent_id)):
        if version.hash == same:
            return version
    return await store.add_version(
        agent.agent_id,
        config,
        parent=active.number,
        author=BY,
        reason=f"to be tested: {found.title} ({found.id})",
        revision=agent.revision,
    )


def _primary(metric: str) -> Metric:
    """What the recommendation wants to make better."""
    known = {**_METRICS, **{each.value: each for each in Metric}}
    for name, found in known.items():
        if name in metric.lower():
            return found
    return Metric.SUCCESS
