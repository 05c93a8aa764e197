"""Plans as people write them: YAML or JSON with camelCase keys, and the same keys from a command line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tamma.errors import ConfigError
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.agent_form import nearest
from tamma.model.experiment import ABTestPlan, Canary, Guardrail, Metric, Mode
from tamma.model.suite import SuiteRef, TaskLimits

_MOST_BYTES = 1_000_000
_PLAIN = {"missing": "is missing", "extra_forbidden": "is not a known key"}
"""In place of pydantic's words."""
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]
_NOBODY = AgentPin(AgentId(""), "", 0, ConfigHash(""))
_STANDARD = ABTestPlan("", _NOBODY, _NOBODY)
"""Its defaults are the form's."""


class _Form(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True, allow_inf_nan=False
    )


class GuardrailForm(_Form):
    metric: Metric
    margin: float


class LimitsForm(_Form):
    budget_usd: Dollars = _STANDARD.limits.budget_usd
    max_turns: int = _STANDARD.limits.max_turns
    minutes: float = _STANDARD.limits.minutes


class CanaryForm(_Form):
    runs: int = _STANDARD.canary.runs
    days: float = _STANDARD.canary.days
    margin: float = _STANDARD.canary.margin


class PlanForm(_Form):
    """A plan whose agents and suite are names; the fields are `ABTestPlan`'s."""

    control: str
    candidate: str
    name: str = ""
    mode: Mode = _STANDARD.mode
    suite: str = ""
    task_types: tuple[TaskType, ...] = ()
    repos: tuple[str, ...] = ()
    primary: Metric = _STANDARD.primary
    secondary: tuple[Metric, ...] = _STANDARD.secondary
    guardrails: tuple[GuardrailForm, ...] = ()
    sample_size: int = 0
    replicates: int = _STANDARD.replicates
    confidence_level: float = _STANDARD.confidence_level
    power: float = _STANDARD.power
    minimum_effect: float = _STANDARD.minimum_effect
    looks: int = _STANDARD.looks
    budget_usd: Dollars | None = None
    duration: float = _STANDARD.duration_days
    concurrency: int = _STANDARD.concurrency
    limits: LimitsForm = LimitsForm()
    auto_approve: bool = False
    reminder_hours: float = _STANDARD.reminder_hours
    approval_days: float = _STANDARD.approval_days
    canary: CanaryForm = CanaryForm()
    seed: int = Field(default=0, ge=0, lt=2**53)
    note: str = ""


def read_plan_file(path: Path) -> dict[str, object]:
    """The keys of a plan's file. Raises ConfigError where it cannot be read."""
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{str(path)!r} is too large for a plan")
        read: object = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML, too
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the plan {str(path)!r} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{str(path)!r} is neither YAML nor JSON: {error}") from error
    if not isinstance(read, dict):
        raise ConfigError(f"{str(path)!r} holds no plan", hint="`control: NAME`, `candidate: NAME`, …")
    given = {str(key): value for key, value in cast("dict[object, object]", read).items()}
    if "minimumEffectSize" in given:  # the specification's name
        given["minimumEffect"] = given.pop("minimumEffectSize")
    return given


def form_of(given: Mapping[str, object], where: str = "the plan") -> PlanForm:
    """A form from camelCase keys. Raises ConfigError that names every wrong one."""
    try:
        return PlanForm.model_validate(dict(given))
    except ValidationError as error:
        wrong = [(".".join(str(part) for part in each["loc"]), each) for each in error.errors()]
        words = "; ".join(f"{field}: {_PLAIN.get(each['type'], each['msg'])}" for field, each in wrong)
        known = tuple(to_camel(name) for name in PlanForm.model_fields)
        strange = [field for field, each in wrong if each["type"] == "extra_forbidden"]
        hint = nearest(strange[0], known) if strange else None
        if any(each["type"] == "missing" for _, each in wrong):
            hint = "a plan names the agent as it is, `control`, and what may replace it, `candidate`"
        raise ConfigError(f"{where} is wrong: {words}", hint=hint) from None


def plan_of_form(
    form: PlanForm, control: AgentPin, candidate: AgentPin, suite: SuiteRef | None
) -> ABTestPlan:
    """The plan, its agents and its suite being found."""
    return ABTestPlan(
        name=form.name or default_name(control, candidate),
        control=control,
        candidate=candidate,
        mode=form.mode,
        suite=suite,
        task_types=form.task_types,
        repos=form.repos,
        primary=form.primary,
        secondary=form.secondary,
        guardrails=tuple(Guardrail(each.metric, each.margin) for each in form.guardrails),
        sample_size=form.sample_size,
        replicates=form.replicates,
        confidence_level=form.confidence_level,
        power=form.power,
        minimum_effect=form.minimum_effect,
        looks=form.looks,
        budget_usd=form.budget_usd,
        duration_days=form.duration,
        concurrency=form.concurrency,
        limits=TaskLimits(form.limits.budget_usd, form.limits.max_turns, form.limits.minutes),
        auto_approve=form.auto_approve,
        reminder_hours=form.reminder_hours,
        approval_days=form.approval_days,
        canary=Canary(form.canary.runs, form.canary.days, form.canary.margin),
        seed=form.seed,
        note=form.note,
    )


def default_name(control: AgentPin, candidate: AgentPin) -> str:
    """`plain@3-bold@1`."""
    return f"{control.name}@{control.version}-{candidate.name}@{candidate.version}"
