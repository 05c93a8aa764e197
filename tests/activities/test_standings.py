"""Where a conversation that was cut short goes on."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from activities.interface import AcceptedIssue
from activities.interface.continuing import Standing
from activities.standings import Place, place_of, read_standing, spent, spent_in_tries, standings
from tamma.errors import StoreError
from tamma.model.conversation import Message, Role, Text, ToolCall, ToolResult, user
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.origin import STANDING
from tamma.model.references import RepoRef
from tamma.model.session import Finished, Stage
from tamma.model.task import AgentChoice, DevRequest, Phase, Spend
from tamma.model.tries import SHARED, TRIES_JUDGED, try_session
from tamma.store.interface import Entry, NewEvent
from tamma.store.memory import MemoryStore

AGENT = SessionId("t1/agent")
REQUEST = DevRequest(TaskId("t1"), RepoRef("memory", "acme", "calc"), "1", AgentChoice("scripted"))
NOTHING = BlobId(f"sha256:{'0' * 64}")
ISSUE = AcceptedIssue("1", "too small", "", NOTHING, "/r", "main", "b" * 40, "tamma/1", ())


def said(seq: int, *calls: ToolCall) -> Entry:
    return Entry(seq, Message(Role.ASSISTANT, (Text("so"), *calls)))


def gave(seq: int) -> Entry:
    return Entry(seq, Message(Role.USER, (ToolResult("c", "done"),)))


LOOK, FINISH = ToolCall("c", "view", '{"path": "a"}'), ToolCall("c", "finish", '{"summary": "all of it"}')
OPENED = (Entry(0, user("go")), said(1, LOOK), gave(2))


def stood(phase: Phase = Phase.IMPLEMENT, **more: object) -> Standing:
    return replace(Standing(REQUEST, ISSUE, phase), **more)  # pyright: ignore[reportArgumentType] - names of fields


def test_a_stage_that_was_not_opened_is_opened() -> None:
    at_its_beginning = stood(session_id=AGENT, next_seq=3, stage=Stage.FIX, since=3)
    assert place_of(OPENED, at_its_beginning, AGENT) == Place(3, Stage.FIX)
    assert place_of((), stood(), AGENT) == Place(0)


def test_a_stage_that_was_cut_short_goes_on_after_its_last_results() -> None:
    place = place_of(OPENED, stood(session_id=AGENT, stage=Stage.IMPLEMENT, next_seq=3), AGENT)
    assert (place.next_seq, place.stage, place.opened) == (3, Stage.IMPLEMENT, True)
    assert (place.awaiting_tools, place.finished, place.unaccounted.turns) == (None, None, 0)


def test_calls_that_were_not_run_are_run() -> None:
    cut = (*OPENED, said(3, LOOK))
    place = place_of(cut, stood(session_id=AGENT, stage=Stage.IMPLEMENT, next_seq=3), AGENT)
    assert (place.next_seq, place.awaiting_tools) == (4, 3)
    assert place.unaccounted.turns == 1, "its answer was paid for, and nobody was told"


def test_a_stage_whose_end_nobody_heard_of_is_over() -> None:
    entries = (*OPENED, said(3, FINISH), gave(4))
    place = place_of(entries, stood(session_id=AGENT, stage=Stage.RED_TEST), AGENT)
    assert place.finished == Finished("all of it")


@pytest.mark.parametrize(
    ("standing", "stage"),
    [
        (stood(Phase.RED_TEST), Stage.RED_TEST),
        (stood(Phase.IMPLEMENT), Stage.IMPLEMENT),
        (stood(Phase.IMPLEMENT, solved=True), Stage.FIX),
        (stood(Phase.REVIEW, solved=True), Stage.FIX),
    ],
)
def test_what_a_run_was_at_that_could_not_say_it(standing: Standing, stage: Stage) -> None:
    place = place_of(OPENED, standing, AGENT)
    assert (place.stage, place.opened, place.unaccounted.turns) == (stage, True, 1)


def test_what_another_conversation_was_at_says_nothing_of_this_one() -> None:
    place = place_of(OPENED, stood(session_id=SessionId("t1/agent-2"), next_seq=9), AGENT)
    assert (place.stage, place.unaccounted) == (Stage.IMPLEMENT, spent(OPENED))


async def test_a_standing_that_nobody_understands() -> None:
    store = MemoryStore()
    with pytest.raises(StoreError, match="how the run stood cannot be read") as caught:
        await read_standing(store, await store.put_blob(b'{"phase": "dreaming"}'))
    assert "--again" in (caught.value.hint or "")


async def test_a_run_that_took_one_of_its_tries_is_gone_on_with_from_there() -> None:
    store = MemoryStore()
    events = [
        NewEvent(f"t1/{number}", kind, ("task:t1",), "tamma", {STANDING: NOTHING}, correlation_id="t1")
        for number, kind in enumerate(("phase.implement", TRIES_JUDGED))
    ]
    await store.append_events(tuple(events))
    assert [each.type for each in await standings(store, "t1")] == ["phase.implement", TRIES_JUDGED]


async def test_what_tries_have_cost_counts_until_one_is_taken() -> None:
    store, task = MemoryStore(), REQUEST.task_id
    shared = replace(said(1, LOOK), cost_usd=Decimal(0), cost_source=SHARED)
    await store.append_entries(try_session(task, 2), (Entry(0, user("go")), shared, said(2, LOOK)))
    assert (await spent_in_tries(store, task, AGENT)).turns == 1, "nothing has come of the first one yet"
    assert await spent_in_tries(store, task, try_session(task, 2)) == Spend()
