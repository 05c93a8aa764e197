"""The step machine: what comes next, decided without a server."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tamma.agents import machine
from tamma.agents.machine import AskModel, End, Stop, UseTools, after_ask, after_tools, next_step, told
from tamma.model.session import BatchOutcome, Finished, ModelTurn, SessionState, ToolUse
from tamma.model.task import Gate, Spend

BUDGET = Decimal("3.00")


def step(state: SessionState, *, budget: Decimal = BUDGET, turns: int = 100) -> machine.Step:
    return next_step(state, budget_left=budget, turns_left=turns)


def turn(seq: int, *actions: str, finish: str = "tool_calls", usd: str = "0.01") -> ModelTurn:
    uses = tuple(ToolUse("bash", fingerprint=action) for action in actions)
    return ModelTurn(seq, uses, finish, Spend(turns=1, cost_usd=Decimal(usd)))


def ask(state: SessionState, *actions: str, finish: str = "tool_calls", usd: str = "0.01") -> SessionState:
    asked = step(state)
    assert isinstance(asked, AskModel)
    return after_ask(state, asked, turn(state.next_seq, *actions, finish=finish, usd=usd))


def use(state: SessionState, *errors: str, finished: Finished | None = None) -> SessionState:
    used = step(state)
    assert isinstance(used, UseTools)
    return after_tools(state, BatchOutcome(used.seq + 1, errors, changed=False, finished=finished))


def test_a_session_goes_from_call_to_tools_to_end() -> None:
    state = SessionState(next_seq=0)
    state = ask(state, "look")
    assert step(state) == UseTools(0)
    state = use(state)
    assert step(state) == AskModel(())
    state = use(ask(state, "finish"), finished=Finished("done"))
    assert step(state) == End(Finished("done"))
    assert state.next_seq == 4
    assert state.spend.turns == 2


def test_tools_of_a_paid_turn_run_even_when_the_money_is_gone() -> None:
    state = ask(SessionState(next_seq=0), "look", usd="5.00")
    assert isinstance(step(state), UseTools)
    stopped = step(use(state))
    assert isinstance(stopped, Stop)
    assert stopped.waiting.gate is Gate.BUDGET
    assert "5.00 USD of 3.00 USD" in stopped.waiting.reason


def test_more_money_lets_it_go_on() -> None:
    state = use(ask(SessionState(next_seq=0), "look", usd="5.00"))
    assert isinstance(step(state, budget=Decimal("8.00")), AskModel)


def test_turns_run_out() -> None:
    state = use(ask(SessionState(next_seq=0), "look"))
    stopped = step(state, turns=1)
    assert isinstance(stopped, Stop)
    assert stopped.waiting.gate is Gate.TURNS


def test_time_runs_out() -> None:
    state = use(ask(SessionState(next_seq=0), "look"))
    stopped = next_step(state, budget_left=BUDGET, turns_left=9, hours_left=0.0)
    assert isinstance(stopped, Stop)
    assert stopped.waiting.gate is Gate.TIME
    assert isinstance(next_step(state, budget_left=BUDGET, turns_left=9, hours_left=0.1), AskModel)


def test_a_model_that_only_talks_is_told_then_stopped() -> None:
    state = SessionState(next_seq=0)
    for number in range(3):
        asked = step(state)
        assert isinstance(asked, AskModel)
        assert len(asked.messages) == (0 if number == 0 else 1)
        state = ask(state, finish="stop")
    advised = step(state)
    assert isinstance(advised, AskModel)
    assert advised.nudged
    assert any("Call exactly one tool" in words for words in advised.messages)
    for _ in range(3):
        state = ask(state, finish="stop")
    stopped = step(state)
    assert isinstance(stopped, Stop)
    assert stopped.waiting.gate is Gate.STUCK


def test_an_answer_that_was_cut_off_is_told_so() -> None:
    state = ask(SessionState(next_seq=0), finish="length")
    assert step(state) == AskModel((machine.CUT_OFF,), given=1)


def test_equal_actions_are_a_loop_and_a_person_ends_it() -> None:
    state = SessionState(next_seq=0)
    for _ in range(4):
        state = use(ask(state, "same"))
    advised = step(state)
    assert isinstance(advised, AskModel)
    assert advised.nudged
    for _ in range(4):
        state = use(ask(state, "same"))
    assert isinstance(step(state), Stop)
    state = told(state, "look at parser.py")
    assert step(state) == AskModel(("look at parser.py",), given=1)


def test_another_model_takes_over_a_loop_and_a_person_only_its_own() -> None:
    state = SessionState(next_seq=0)

    def looping(state: SessionState) -> SessionState:
        for _ in range(4):
            asked = step(state)
            assert isinstance(asked, AskModel)
            done = replace(turn(state.next_seq, "same"), helper=True, served_model="big-1")
            state = use(after_ask(state, asked, done))
        return state

    advised = step(state := looping(state))
    assert isinstance(advised, AskModel)
    assert (advised.nudged, advised.takes_over) == (True, "")
    handing = step(state := looping(state))
    assert isinstance(handing, AskModel)
    assert not handing.nudged
    assert "You take over" in handing.messages[-1]
    state = looping(state)
    assert state.helped
    assert state.instead_of == (
        "the agent went in circles (the same action 4 times in a row): big-1 took over",
    )
    again = step(state)  # it is advised, too, before a person is asked
    assert isinstance(again, AskModel)
    assert again.nudged
    stopped = step(looping(state))
    assert isinstance(stopped, Stop)
    assert stopped.waiting.gate is Gate.STUCK


def test_equal_errors_and_alternations_are_loops() -> None:
    state = SessionState(next_seq=0)
    for number in range(3):
        state = use(ask(state, f"try {number}"), "not_found:1234")
    assert isinstance(asked := step(state), AskModel)
    assert asked.nudged

    state = SessionState(next_seq=0)
    for number in range(6):
        state = use(ask(state, "left" if number % 2 else "right"))
    assert isinstance(asked := step(state), AskModel)
    assert asked.nudged


def test_an_error_between_successes_is_no_loop() -> None:
    state = SessionState(next_seq=0)
    for number in range(9):
        errors = ("exit_code:1",) if number % 3 else ()
        state = use(ask(state, f"try {number}"), *errors)
        asked = step(state)
        assert isinstance(asked, AskModel)
        assert not asked.nudged


def test_words_that_come_while_the_model_speaks_are_not_lost() -> None:
    state = told(SessionState(next_seq=0), "first")
    asked = step(state)
    assert isinstance(asked, AskModel)
    state = told(state, "second")
    state = after_ask(state, asked, turn(1, "look"))
    assert state.pending == ("second",)


@given(st.lists(st.sampled_from(["tool", "talk", "error", "steer"]), max_size=60))
def test_whatever_happens_seqs_grow_and_every_word_is_given_once(happenings: list[str]) -> None:
    state, seen, said = SessionState(next_seq=0), list[int](), 0
    for happening in happenings:
        if happening == "steer":
            said += 1
            state = told(state, f"word {said}")
            continue
        decided = step(state)
        if isinstance(decided, Stop):
            break
        if isinstance(decided, UseTools):
            before = state.next_seq
            errors = ("exit_code:1",) if happening == "error" else ()
            state = after_tools(state, BatchOutcome(decided.seq + 1, errors, changed=True))
            assert state.next_seq == before + 1
            continue
        assert isinstance(decided, AskModel)
        seen += [int(words[5:]) for words in decided.messages if words.startswith("word ")]
        offset = 1 if decided.messages else 0
        answer = turn(state.next_seq + offset, *(() if happening == "talk" else (happening,)))
        state = after_ask(state, decided, answer)
    assert seen == sorted(set(seen))


def test_what_came_after_the_last_turn_was_not_read() -> None:
    state = told(SessionState(next_seq=0), "read")
    state = told(ask(state), "too late")
    assert machine.unread(state) == ("too late",), "the machine's own words are nobody's"


def test_who_is_to_end_is_told_so_and_ends_all_the_same() -> None:
    state = replace(use(ask(SessionState(next_seq=0), "look")), finish_now=True)
    for number in range(machine.FINISHING):
        asked = step(state)
        assert isinstance(asked, AskModel)
        assert machine.FINISH_NOW in asked.messages
        state = use(ask(state, f"look {number}"))
    assert step(state) == End(machine.ENDED)


def test_who_is_to_end_says_what_is_done() -> None:
    state = replace(use(ask(SessionState(next_seq=0), "look")), finish_now=True)
    state = use(ask(state, "finish"), finished=Finished("half of it"))
    assert step(state) == End(Finished("half of it"))


def test_who_is_to_end_waits_for_nothing() -> None:
    state = replace(use(ask(SessionState(next_seq=0), "look", usd="5.00")), finish_now=True)
    assert step(state) == End(machine.ENDED)
    assert step(state, budget=Decimal(9), turns=1) == End(machine.ENDED)
    circles = SessionState(next_seq=0)
    while isinstance(step(circles), AskModel):
        circles = use(ask(circles, "look", usd="0"))
    assert isinstance(step(circles), Stop)
    assert step(replace(circles, finish_now=True)) == End(machine.ENDED)
