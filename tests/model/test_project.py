"""A repository can ask for more care, never for less."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.ids import TaskId
from tamma.model.project import ProjectPolicy, tightened
from tamma.model.repository import RepoRef
from tamma.model.task import AgentChoice, ApprovePolicy, DevRequest, Limits

REQUEST = DevRequest(
    TaskId("t"), RepoRef("memory", "a", "b"), "1", AgentChoice("scripted"), approve=ApprovePolicy.PLAN
)


@pytest.mark.parametrize(
    ("policy", "changes", "note"),
    [
        (ProjectPolicy(), {}, None),
        (ProjectPolicy(approve=ApprovePolicy.MERGE), {"approve": ApprovePolicy.ALL}, "approve is all"),
        (ProjectPolicy(approve=ApprovePolicy.NONE), {}, "asks for approve = none; plan holds"),
        (ProjectPolicy(merge="never"), {"merge": "never"}, "merge is never"),
        (ProjectPolicy(review=False), {}, "review = False; True holds"),
        (ProjectPolicy(budget_usd=Decimal(500)), {}, "budget_usd = 500; 3.00 holds"),
        (ProjectPolicy(max_turns=7), {"limits": Limits(max_turns=7)}, "max_turns is 7"),
        (ProjectPolicy(new_dependencies="refuse"), {"new_dependencies": "refuse"}, "is refuse"),
        (ProjectPolicy(new_dependencies="allow"), {}, "new_dependencies = allow; ask holds"),
        (
            ProjectPolicy(command_timeout=9.0),
            {"limits": Limits(command_timeout=9.0)},
            "command_timeout is 9.0",
        ),
        (ProjectPolicy(ambiguity=0.2), {"ask_above": 0.2}, "ambiguity is 0.2"),
        (ProjectPolicy(ambiguity=0.9), {}, "ambiguity = 0.9; 0.7 holds"),
    ],
)
def test_the_stricter_of_two(policy: ProjectPolicy, changes: dict[str, object], note: str | None) -> None:
    heard = tightened(REQUEST, policy)
    assert heard.request == replace(REQUEST, **changes)  # pyright: ignore[reportArgumentType] - test data
    assert (note in heard.notes[0]) if note else heard.notes == ()


policies = st.builds(
    ProjectPolicy,
    approve=st.none() | st.sampled_from(ApprovePolicy),
    merge=st.none() | st.sampled_from(["auto", "never"]),
    budget_usd=st.none() | st.decimals(1, 100, places=2),
    max_turns=st.none() | st.integers(1, 1000),
    review=st.none() | st.booleans(),
    command_timeout=st.none() | st.floats(1, 10_000),
    new_dependencies=st.none() | st.sampled_from(["allow", "ask", "refuse"]),
    ambiguity=st.none() | st.floats(0, 1),
)


@given(policies, policies)
def test_no_policy_loosens_anything_and_twice_is_once(one: ProjectPolicy, other: ProjectPolicy) -> None:
    before = tightened(REQUEST, one).request
    after = tightened(before, other).request
    assert after.approve.plan >= before.approve.plan
    assert after.approve.merge >= before.approve.merge
    assert (after.merge == "never") >= (before.merge == "never")
    assert after.review >= before.review
    assert after.limits.budget_usd <= before.limits.budget_usd
    assert after.limits.max_turns <= before.limits.max_turns
    assert after.limits.command_timeout <= before.limits.command_timeout
    order = ("allow", "ask", "refuse")
    assert order.index(after.new_dependencies) >= order.index(before.new_dependencies)
    assert after.ask_above <= before.ask_above
    assert tightened(after, other).request == after
    assert tightened(tightened(REQUEST, other).request, one).request == after
