"""A plan's options: each is a key of the plan's file, and goes before what the file says."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.model.experiment import PlanProblem

F = TypeVar("F", bound=Callable[..., Any])

_METRICS = ("success", "quality", "cost", "duration")
_TYPES = ("code-generation", "code-review", "testing", "documentation", "refactoring")

# Name, key of the file, click's settings. In the order of --help.
_OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--name", "name", {"help": "What the test is called."}),
    ("--control", "control", {"metavar": "NAME[@N]", "help": "The agent as it is now."}),
    ("--candidate", "candidate", {"metavar": "NAME[@N]", "help": "What may replace it."}),
    ("--suite", "suite", {"metavar": "NAME", "help": "Work on the tasks of this suite, each in both arms."}),
    ("--repo", "repos", {"multiple": True, "metavar": "GLOB", "help": "With --live: platform:owner/name."}),
    ("--task-type", "taskTypes", {"multiple": True, "type": click.Choice(_TYPES), "help": "Only these."}),
    ("--primary", "primary", {"type": click.Choice(_METRICS), "help": "What decides.  [default: success]"}),
    (
        "--guardrail",
        "guardrails",
        {"multiple": True, "metavar": "METRIC=MARGIN", "help": "Must not be worse by more: cost=0.1."},
    ),
    (
        "--minimum-effect",
        "minimumEffect",
        {"type": float, "help": "Least improvement worth having: 0.05 is 5 points, or 5 %.  [default: 0.05]"},
    ),
    ("--sample-size", "sampleSize", {"type": int, "help": "Tasks.  [default: as many as the power needs]"}),
    ("--replicates", "replicates", {"type": int, "help": "Trials of each arm on each task.  [default: 1]"}),
    ("--confidence", "confidenceLevel", {"type": float, "help": "[default: 0.95]"}),
    ("--power", "power", {"type": float, "help": "[default: 0.8]"}),
    ("--looks", "looks", {"type": int, "help": "How often the data are looked at.  [default: 5]"}),
    ("--budget", "budgetUsd", {"metavar": "USD", "help": "For all trials together."}),
    ("--trial-budget", "limits.budgetUsd", {"metavar": "USD", "help": "For one trial.  [default: 3.00]"}),
    ("--days", "duration", {"type": float, "help": "It ends then, with what there is.  [default: 30]"}),
    ("--concurrency", "concurrency", {"type": int, "help": "Trials at once.  [default: 4]"}),
    ("--canary-runs", "canary.runs", {"type": int, "help": "Runs watched after applying.  [default: 20]"}),
    ("--canary-margin", "canary.margin", {"type": float, "help": "Rolled back beyond.  [default: 0.1]"}),
    ("--reminder-hours", "reminderHours", {"type": float, "help": "[default: 24]"}),
    ("--approval-days", "approvalDays", {"type": float, "help": "[default: 30]"}),
    ("--seed", "seed", {"type": int, "help": "[default: from the test's id]"}),
    ("--note", "note", {"help": "Why the test is made."}),
)

_NAMES = {key: name for name, key, _ in _OPTIONS}
_MARKED = sorted((key for key in _NAMES if not key.islower()), key=len, reverse=True)
# Only keys that are no words of English, as `suite` is. The longest first: one may be in another.
_KEYS = re.compile("|".join(re.escape(key) for key in _MARKED))


def plan_options(command: F) -> F:
    """The options of a plan, given to the command as one mapping `given`."""

    @functools.wraps(command)  # click's options that stand below this one come along
    def gathered(*args: Any, **kwargs: Any) -> Any:
        return command(*args, given=_taken(kwargs), **kwargs)

    wrapped: Any = gathered
    wrapped = click.option("--auto-approve", is_flag=True, help="Apply a winner unasked, where proved.")(
        wrapped
    )
    wrapped = click.option("--live", is_flag=True, help="Split production runs instead.")(wrapped)
    for name, key, settings in reversed(_OPTIONS):
        wrapped = click.option(name, _parameter(key), **settings)(wrapped)
    return click.option(
        "--plan",
        "plan_file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="A plan in YAML or JSON; options go before it.",
    )(wrapped)


def _parameter(key: str) -> str:
    return "plan_" + key.replace(".", "_").lower()


def _taken(kwargs: dict[str, Any]) -> dict[str, object]:
    """The plan's keys out of click's arguments, the file's first."""
    from tamma.experiments.plan_form import read_plan_file

    file: Path | None = kwargs.pop("plan_file")
    found = read_plan_file(file) if file else {}
    for _, key, settings in _OPTIONS:
        value = kwargs.pop(_parameter(key))
        if value is None or (settings.get("multiple") and not value):
            continue
        if key == "guardrails":
            value = [_guardrail(each) for each in value]
        outer, _, inner = key.partition(".")
        if not inner:
            found[outer] = value
            continue
        group = found.get(outer)
        found[outer] = {**(group if isinstance(group, Mapping) else {}), inner: value}
    if kwargs.pop("live"):
        found["mode"] = "live"
    if kwargs.pop("auto_approve"):
        found["autoApprove"] = True
    return found


def _guardrail(text: str) -> dict[str, str]:
    metric, equals, margin = text.partition("=")
    if not equals:
        raise ConfigError(f"{text!r} is no guardrail", hint="--guardrail cost=0.1: at most 10 % dearer")
    if (metric := metric.strip()) not in _METRICS:
        raise ConfigError(f"--guardrail {text!r}: there is no metric {metric!r}", hint=", ".join(_METRICS))
    return {"metric": metric, "margin": margin.strip()}


def in_options(problem: PlanProblem) -> PlanProblem:
    """A problem with a plan by the names of the options, which go before a file's keys."""
    group, _, last = problem.field.partition(".")
    field = f"--guardrail {last}" if group == "guardrails" else _NAMES.get(problem.field, problem.field)
    return replace(problem, field=field, hint=_KEYS.sub(lambda found: _NAMES[found[0]], problem.hint))
