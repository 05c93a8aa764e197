"""A/B tests as the JSON that is stored, and what both stores check of them.

The JSON is the storage format: fields may be added with defaults, never renamed or removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from tamma.errors import StoreConflict, StoreError
from tamma.model.experiment import ABTestId, ABTestPlan, Assignment, LookPlan
from tamma.model.verdict import ABTestResult, Look
from tamma.store.codec import check_key

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
Looks = tuple[LookPlan, ...]
Assignments = tuple[Assignment, ...]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(kind: type[T], value: T) -> str:
    """`value` as compact JSON. Raises StoreError where the database could not hold it."""
    text: str = _adapter(kind).dump_json(value).decode()
    if "\\u0000" in text:
        raise StoreError(f"{value!r} holds characters that cannot be stored")
    return text


def from_json(kind: type[T], text: str | bytes) -> T:
    """The inverse of `to_json`."""
    value: T = _adapter(kind).validate_json(text)
    return value


def plan_json(plan: ABTestPlan) -> str:
    return to_json(ABTestPlan, plan)


def looks_json(looks: Looks) -> str:
    return to_json(Looks, looks)


def digest(plan: ABTestPlan, looks: Looks, assignments: Assignments) -> str:
    """What tells one creation of a test from another."""
    text = "\n".join((plan_json(plan), looks_json(looks), to_json(Assignments, assignments)))
    return hashlib.sha256(text.encode()).hexdigest()


def check_assignments(test_id: ABTestId, assignments: Assignments) -> None:
    """Raises StoreConflict unless positions count up from 0, and each unit occurs once and has arms."""
    check_key("the test's id", test_id)
    units: set[str] = set()
    for expected, each in enumerate(assignments):
        if each.position != expected:
            raise StoreConflict(f"{test_id!r}: position {expected} was due, {each.position} was given")
        if each.unit in units or not each.arms:
            raise StoreConflict(f"{test_id!r}: unit {each.unit!r} occurs twice or has no arm")
        units.add(check_key("the unit", each.unit))
        check_key("the stratum", each.stratum)


def differs(test_id: ABTestId) -> StoreConflict:
    return StoreConflict(
        f"the test {test_id!r} was created with another plan or another assignment",
        hint="a plan does not change once it is kept: start a new test",
    )


def no_test(test_id: ABTestId) -> StoreError:
    return StoreError(f"there is no A/B test {test_id!r}", hint="`tamma ab list` shows all")


def body_json(body: Mapping[str, object]) -> str:
    """An analysis as JSON. Raises StoreError where it is none."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise StoreError(f"an analysis cannot be written as JSON: {error}") from error


def result_json(result: ABTestResult) -> str:
    return to_json(ABTestResult, result)


def look_json(look: Look) -> str:
    return to_json(Look, look)
