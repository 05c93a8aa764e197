"""What a run decides while its tries work and when they have ended. Without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import pytest

from activities.interface import AcceptedIssue
from tamma.agents.best import Shares
from tamma.agents.lagging import GRACE, Lagging, only_waits
from tamma.model.agent import AgentId, ConfigHash
from tamma.model.ids import BlobId, TaskId
from tamma.model.references import RepoRef
from tamma.model.session import (
    Finished,
    Opening,
    SessionEnd,
    SessionMessage,
    SessionNews,
    SessionOrder,
    SessionResult,
    WorkspaceOrder,
    WorkspaceRef,
)
from tamma.model.task import AgentChoice, DevRequest, Gate, Spend, Waiting
from tamma.model.tries import try_session, try_workspace
from workflows.measuring import StepBegun, run_metrics
from workflows.patience import Patience
from workflows.run_state import RunState
from workflows.steps.attempts import Session
from workflows.steps.race import Attempt, Race
from workflows.steps.trying import Trying
from workflows.workspace_link import WorkspaceLink

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
TASK, REPO = TaskId("t1"), RepoRef("memory", "acme", "calc")
REQUEST = DevRequest(TASK, REPO, "1", AgentChoice("scripted"), best_of=2)
EARLY, LATE = (SessionMessage(SessionOrder.STEER, text=text) for text in ("mind empty lists", "and floats"))
MONEY = SessionMessage(SessionOrder.BUDGET, add_usd=Decimal(1))


def result(
    number: int, end: SessionEnd = SessionEnd.FINISHED, *unread: str, next_seq: int = 9
) -> SessionResult:
    ref = WorkspaceRef(try_workspace(TASK, number), "host", "b" * 40, "main", "tamma/1")
    gate = Gate.TURNS if end is SessionEnd.REJECTED else None
    return SessionResult(end, Finished("so"), next_seq, Spend(), ref, gate=gate, unread=unread)


def attempt(number: int, made: SessionResult | None, *told: int, begun: bool = True) -> Attempt:
    workspace = try_workspace(TASK, number)
    order = WorkspaceOrder(TaskId(workspace), REPO, "/r", "main", "b" * 40, "tamma/1")
    ref = WorkspaceRef(workspace, "host", "b" * 40, "main", "tamma/1")
    link = WorkspaceLink(order, Patience(lambda _: None), lost_after=1, ref=ref)
    given = Attempt(number, AgentChoice("scripted"), f"hint {number}", try_session(TASK, number), link)
    given.begun = StepBegun(NOON, timedelta()) if begun else None
    given.result, given.told = made, set(told)
    return given


def race(*attempts: Attempt, said: tuple[SessionMessage, ...] = (MONEY, EARLY, LATE)) -> Race:
    shares = Shares(len(attempts), Decimal(1), 9)
    return Race(Opening("implement"), shares, 4, ("before",), list(attempts), said=list(said))


SESSION = cast("Session", object())
"""Of which nothing is asked here."""
AWAY = Waiting(Gate.OUTAGE, "it does not answer", "", person=False)


class Run(Trying):
    """Its steps, as a test takes them."""

    def words_after(self, race: Race, taken: Attempt) -> list[str]:
        self._state.words = ["since"]
        self._adopt(race, taken)
        return self._state.words

    def hear(self, race: Race, *working: int, **waits: Waiting | None) -> Waiting | None:
        """What it shows after news of tries, of which these have been seen to start."""
        self._race = race
        shown: Waiting | None = None
        for name, waiting in waits.items():
            news = SessionNews(waiting, Spend(), try_session(TASK, int(name.removeprefix("try_"))))
            shown = self._waiting_of(news)
        self._tries = dict.fromkeys((try_session(TASK, number) for number in working), SESSION)
        return self._all_wait() if working else shown

    def words_where_none_began(self, race: Race) -> list[str]:
        assert self._rejected(race)
        return self._state.words


def test_what_a_try_was_not_told_is_read_by_who_goes_on_with_its_work() -> None:
    ended = attempt(1, result(1), 0, 1)
    assert Run(REQUEST).words_after(race(ended), ended) == ["and floats", "since"]
    heard_all = attempt(2, result(2), 0, 1, 2)
    assert Run(REQUEST).words_after(race(heard_all), heard_all) == ["since"]


def test_what_a_try_was_told_and_has_not_read_is_not_lost() -> None:
    out_of_turns = result(2, SessionEnd.REJECTED, "hint 2", "mind empty lists")
    stopped = attempt(2, out_of_turns, 0, 1)
    assert Run(REQUEST).words_after(race(stopped), stopped) == ["mind empty lists", "and floats", "since"]


def test_who_goes_on_for_a_session_that_was_cut_is_told_everything() -> None:
    cut = attempt(1, None, 0, 1, 2)
    everything = ["before", "mind empty lists", "and floats", "since"]
    assert Run(REQUEST).words_after(race(cut), cut) == everything


def test_what_was_said_before_tries_that_never_began_is_kept() -> None:
    waiting = attempt(1, None, begun=False)
    assert Run(REQUEST).words_after(race(waiting, said=()), waiting) == ["before", "since"]
    refused = [attempt(n, result(n, SessionEnd.REJECTED, "before", next_seq=4), 0, 1) for n in (1, 2)]
    said = ["before", "mind empty lists", "and floats"]
    assert Run(REQUEST).words_where_none_began(race(*refused)) == said


def test_what_several_agents_made_is_no_figure_of_one() -> None:
    state = RunState()
    state.issue = AcceptedIssue(
        "1", "too small", "", BlobId("sha256:0"), "/r", "main", "b" * 40, "tamma/1", ()
    )
    own = AgentChoice("scripted", name="careful", agent_id=AgentId("a"), version=3, config=ConfigHash("c"))
    alone, mixed = (
        run_metrics(
            replace(REQUEST, agent=own, best_with=others), state, run_id="r", started_at=NOON, ended_at=NOON
        )
        for others in ((), (AgentChoice("other"),))
    )
    assert alone.agent == own.pin is not None
    assert mixed.agent is None


def test_a_try_that_waits_before_the_run_has_seen_it_start_is_known_to_wait() -> None:
    both = race(attempt(1, None), attempt(2, None))
    assert Run(REQUEST).hear(both, 1, 2, try_1=AWAY, try_2=AWAY) == AWAY
    assert Run(REQUEST).hear(both, 1, 2, try_2=AWAY) is None, "the other works"
    assert Run(REQUEST).hear(both, 1, 2, try_1=AWAY, try_2=AWAY, try_02=None) is None
    assert Run(REQUEST).hear(both, try_1=AWAY) is None, "none is seen to work yet"


def test_who_only_waits_while_another_has_finished_has_minutes() -> None:
    lagging, spend, later = Lagging(), Spend(turns=1), NOON + GRACE - timedelta(seconds=1)
    assert lagging.look({1: spend, 2: spend}, NOON) == ()
    assert lagging.left({1: spend, 2: spend}, NOON) == GRACE
    assert lagging.left({}, NOON) is None
    assert lagging.look({2: Spend(turns=2)}, later) == (), "that one got on meanwhile, the first tries again"
    assert lagging.look({1: spend, 2: Spend(turns=2)}, NOON + GRACE) == (1,)
    assert lagging.left({2: Spend(turns=2)}, NOON + GRACE) == GRACE - timedelta(seconds=1)


@pytest.mark.parametrize("gate", list(Gate))
def test_who_was_paused_is_not_given_up(gate: Gate) -> None:
    assert only_waits(SessionNews(Waiting(gate, "", ""), Spend())) is (gate in (Gate.OUTAGE, Gate.BUDGET))
    assert not only_waits(SessionNews(None, Spend()))
