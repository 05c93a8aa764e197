"""The order for a run that goes on from another one: its limits, its issue, its place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from activities.interface.continuing import Standing
from tamma.cli.retrying import places, starting
from tamma.cli.retrying.ordering import Changes, order
from tamma.cli.retrying.places import Place
from tamma.errors import ConfigError
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.origin import Origin
from tamma.model.session import Stage
from tamma.model.task import AgentChoice, ApprovePolicy, Limits, Phase, Spend
from tamma.model.tries import SHARED, try_session
from tamma.store.interface import NewEvent
from tamma.store.memory import MemoryStore
from tamma.temporal.plugin import data_converter
from tamma.temporal.run_errors import RunFinished
from tests.activities.test_standings import AGENT, ISSUE, NOTHING, OPENED, REQUEST, said

NEW = TaskId("t2-abcdef")
OLD = replace(REQUEST, limits=Limits(Decimal(3), 100), approve=ApprovePolicy.ALL, suffix="again-1")
STOOD = Standing(OLD, ISSUE, Phase.IMPLEMENT, session_id=AGENT, next_seq=3, stage=Stage.IMPLEMENT)
SPENT = Spend(turns=40, cost_usd=Decimal("1.25"))
END = Place(Origin(TaskId("t1"), NOTHING), STOOD, SPENT)
FORK = Place(Origin(TaskId("t1"), NOTHING, 4, AGENT, 7), STOOD)


def test_a_retry_has_what_is_left() -> None:
    made = order(END, Changes(), NEW, "ada")
    assert (made.limits.budget_usd, made.limits.max_turns) == (Decimal("1.75"), 60)
    assert (made.task_id, made.submitted_by, made.continues) == (NEW, "ada", END.origin)
    assert (made.approve, made.suffix, made.base) == (ApprovePolicy.ALL, "again-1", "main")


def test_a_fork_has_all_of_it_and_a_branch_of_its_own() -> None:
    words = BlobId(f"sha256:{'1' * 64}")
    changes = Changes(AgentChoice("another"), merge="never", instructions=words)
    made = order(FORK, changes, NEW, "ada")
    assert (made.limits, made.suffix) == (OLD.limits, "fork-abcdef")
    assert (made.agent.provider, made.merge) == ("another", "never")
    assert made.continues == replace(FORK.origin, instructions=words)


def test_what_is_asked_for_goes_before_what_is_left() -> None:
    made = order(END, Changes(budget=Decimal(9), max_turns=7), NEW, "ada")
    assert (made.limits.budget_usd, made.limits.max_turns) == (Decimal(9), 7)


@pytest.mark.parametrize(
    ("spent", "what", "flag"),
    [
        (Spend(cost_usd=Decimal("3.01")), r"3\.00 USD", "--budget"),
        (Spend(turns=100), "100 turns", "--max-turns"),
    ],
)
def test_nothing_left_is_said_before_anything_begins(spent: Spend, what: str, flag: str) -> None:
    with pytest.raises(ConfigError, match=f"nothing is left of the run's {what}") as caught:
        order(replace(END, spent=spent), Changes(), NEW, "ada")
    assert flag in (caught.value.hint or "")


async def test_an_issue_that_no_tracker_has_goes_along() -> None:
    store = MemoryStore()
    kept = await store.put_blob(b"# too small\n\nmean() is.")
    place = replace(END, standing=replace(STOOD, issue=replace(ISSUE, snapshot=kept)))
    assert (await starting.request_of(store, place, Changes())).issue_text == "# too small\n\nmean() is."
    tracked = replace(place.standing.issue, snapshot=NOTHING, capabilities=("issues",))
    place = replace(place, standing=replace(STOOD, issue=tracked))
    assert (await starting.request_of(store, place, Changes())).issue_text is None


async def test_the_end_is_where_the_last_event_says_with_all_that_was_paid() -> None:
    store = MemoryStore()
    with pytest.raises(RunFinished, match="nothing was kept of how the run t1 stood"):
        await places.at_the_end(store, TaskId("t1"))
    await store.append_entries(SessionId("t1/agent"), OPENED)
    for number, phase in enumerate((Phase.PLAN, Phase.RED_TEST)):
        standing = Standing(OLD, ISSUE, phase, spend=Spend(turns=number))
        (payload,) = await data_converter.encode([standing])
        blob = await store.put_blob(payload.data)
        event = NewEvent(f"e{number}", f"phase.{phase}", ("task:t1",), "tamma", {"standing": blob})
        await store.append_events((event, NewEvent(f"o{number}", "other", ("task:t1",), "tamma", {})))
    place = await places.at_the_end(store, TaskId("t1"))
    assert place.standing.phase is Phase.RED_TEST
    assert place.spent.turns == 1 + 1, "its conversation has an answer that it could not count any more"
    shared = replace(OPENED[1], cost_source=SHARED)
    for number in (1, 2):
        await store.append_entries(try_session(TaskId("t1"), number), (OPENED[0], shared, OPENED[2], said(3)))
    place = await places.at_the_end(store, TaskId("t1"))
    assert place.spent.turns == 2 + 2, "nor those of its tries, but for what they share"
