"""A whole test in one document: what was planned, drawn, measured and decided, and with which programs.

Whoever has it can analyse the test again, without the store, and must come to the same verdict.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from tamma.errors import ConfigError
from tamma.experiments.stopping import bounds_before
from tamma.experiments.verdict import decide
from tamma.model.experiment import ABTestPlan, Assignment, LookPlan, Mode, Outcome
from tamma.model.looks import DueLook
from tamma.model.verdict import ABTestResult, Evidence, Look, Verdict

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 1
_PROGRAMS = ("tamma", "numpy", "scipy", "temporalio")


@dataclass(frozen=True, slots=True)
class Bundle:
    """All of one test. The JSON of this is the format: fields may be added, never renamed or removed."""

    format: int
    programs: dict[str, str]
    """Name to version, Python's and the platform's among them."""
    plan: ABTestPlan
    """With the seed, and both configurations and the suite by their hashes."""
    looks_planned: tuple[LookPlan, ...]
    assignments: tuple[Assignment, ...]
    outcomes: tuple[Outcome, ...]
    looks: tuple[Look, ...]
    result: ABTestResult


@dataclass(frozen=True, slots=True)
class Again:
    """One look, analysed again."""

    look: Look
    evidence: Evidence
    verdict: Verdict
    same: bool
    """The statistic, the boundary and the crossing are those that were recorded."""


def programs() -> dict[str, str]:
    """The versions of what computes here."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for name in _PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def to_bytes(bundle: Bundle) -> bytes:
    """The bundle as JSON."""
    return _adapter().dump_json(bundle, indent=1)


def from_bytes(content: bytes) -> Bundle:
    """The inverse of `to_bytes`. Raises ConfigError for anything else."""
    from pydantic import ValidationError

    try:
        bundle = _adapter().validate_json(content)
    except ValidationError as error:
        raise ConfigError(
            f"this is no bundle of an A/B test: {error.error_count()} fields do not fit",
            hint="`tamma ab report NAME --bundle FILE` writes one",
        ) from error
    if bundle.format != FORMAT:
        raise ConfigError(f"the bundle has the format {bundle.format!r}, this program reads {FORMAT}")
    return bundle


def outcomes_at(
    plan: ABTestPlan, assignments: tuple[Assignment, ...], outcomes: tuple[Outcome, ...], units: int
) -> tuple[tuple[Assignment, ...], tuple[Outcome, ...]]:
    """What a look is about: in a paired test the first `units` units of the drawn order and nothing else."""
    if plan.mode is Mode.LIVE:
        return assignments, outcomes
    first = assignments[:units]
    within = {assignment.unit for assignment in first}
    return first, tuple(outcome for outcome in outcomes if outcome.unit in within)


def analyse_again(bundle: Bundle) -> Iterator[Again]:
    """Take every look again. A live test's looks see what had ended at their time."""
    from tamma.experiments.analysis import analyse

    for number, look in enumerate(bundle.looks):
        taken = bundle.looks[:number]
        units = look.asked or look.units
        first, outcomes = outcomes_at(bundle.plan, bundle.assignments, bundle.outcomes, units)
        if bundle.plan.mode is Mode.LIVE:
            first = first[: look.assigned or None]
            outcomes = tuple(
                each for each in outcomes if each.ended_at is None or each.ended_at <= look.taken_at
            )
        due = DueLook(look.number, units, look.last, 0, bounds_before(taken, units), look.by_hand)
        found = analyse(
            bundle.plan,
            bundle.looks_planned,
            first,
            outcomes,
            due,
            at=look.taken_at,
            taken=taken,
            spent_usd=look.spent_usd,
        )
        again = replace(
            found.look, asked=look.asked, assigned=look.assigned, last=look.last, by_hand=look.by_hand
        )
        yield Again(again, found.evidence, decide(found.evidence), again == look)


@cache
def _adapter() -> TypeAdapter[Bundle]:
    from pydantic import TypeAdapter

    return TypeAdapter(Bundle)
