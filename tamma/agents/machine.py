"""What an agent session does next: a pure step machine.

A session is a fold. Each finished turn and each finished batch of tools makes a new `SessionState`;
`next_step` looks at the state and the limits and says what comes next. The workflow only carries it out.

::

            +--------------------------- pending words ---------------------------+
            v                                                                     |
    AskModel --turn with tool calls--> UseTools --results--> AskModel ... --finish--> End
        |                                                        |
        +--turn without tool calls: told to use tools (3 x: Stuck)+
    before each AskModel: stuck? turns left? money left?  -> Stop(waiting), goes on when a person says so

A loop is told to the agent once. Where it loops again, the model that the configuration names for that takes
over to the end of the stage; where it loops, too, or there is none, a person is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tamma.agents.stuck import Loop, detect
from tamma.model.conversation import FinishReason
from tamma.model.session import BatchOutcome, Finished, LoopMemory, ModelTurn, SessionState
from tamma.model.task import Gate, Waiting

MEMORY = 12
"""Actions and errors remembered: twice the longest pattern that the stuck detector looks for."""

USE_TOOLS = (
    "You ended your turn without calling a tool. Nothing happens by words alone: call a tool to go on, "
    "or call `finish` if the work of this stage is done."
)
CUT_OFF = (
    "Your last answer was cut off at the output limit and nothing of it was run. "
    "Go on in smaller steps: one tool call at a time, large files in parts."
)
TAKE_OVER = (
    "Another model did the work until here and went in circles: {reason}. You take over. Look at the state "
    "of the work with fresh eyes before you go on."
)
FINISH_NOW = "A person asks you to stop here: call `finish` now and say what is done and what is not."
FINISHING = 3
"""Turns that the agent has to say so: what it was about to do takes one or two. Then it ends all the same."""
ENDED = Finished("A person ended this stage here. The agent has not said what is done and what is not.")


@dataclass(frozen=True, slots=True)
class AskModel:
    """Call the model, giving it `messages` first."""

    messages: tuple[str, ...]
    given: int = 0
    """How many of the state's pending words are among them."""
    nudged: bool = False
    """Whether the stuck detector's advice is among them."""
    takes_over: str = ""
    """The loop in words, where another model takes over because of it."""


@dataclass(frozen=True, slots=True)
class UseTools:
    """Run the tool calls of the assistant's entry at `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Stand still until a person, money or time changes that."""

    waiting: Waiting


@dataclass(frozen=True, slots=True)
class End:
    """The stage is over."""

    finished: Finished


Step = AskModel | UseTools | Stop | End


def next_step(
    state: SessionState, *, budget_left: Decimal, turns_left: int, hours_left: float | None = None
) -> Step:
    """What comes next.

    `budget_left` and `turns_left` are what this session was given, not reduced by what it used: its own
    spending stands in `state.spend`. `hours_left` is what is left of its time; None: it has any. A turn whose
    tool calls wait is always finished first: it is paid for.
    """
    if state.awaiting_tools is not None:
        return UseTools(state.awaiting_tools)
    if state.finished is not None:
        return End(state.finished)
    if state.finish_now and state.finishing >= FINISHING:
        return End(ENDED)
    if state.spend.turns >= turns_left:
        return _stop(state, _out_of_turns(state.spend.turns))
    if state.spend.cost_usd >= budget_left:
        return _stop(state, out_of_money(state.spend.cost_usd, budget_left))
    if hours_left is not None and hours_left <= 0:
        return _stop(state, OUT_OF_TIME)
    loop = detect(state.memory)
    again = loop if state.memory.nudges > 0 else None
    if again is not None and (state.helped or not state.helper):
        return _stop(state, _stuck(again))
    words = state.pending
    if again is not None:
        words = (*words, TAKE_OVER.format(reason=again.reason))
    elif loop is not None:
        words = (*words, loop.advice)
    if state.finish_now:
        words = (*words, FINISH_NOW)
    return AskModel(
        words,
        given=len(state.pending),
        nudged=loop is not None and again is None,
        takes_over=again.reason if again is not None else "",
    )


def after_ask(state: SessionState, step: AskModel, turn: ModelTurn) -> SessionState:
    """Fold a model's turn into the state."""
    memory, notes = state.memory, turn.instead_of
    if step.nudged:
        memory = _fresh(nudges=state.memory.nudges + 1)
    elif step.takes_over:
        memory = _fresh()
        notes = (f"the agent went in circles ({step.takes_over}): {turn.served_model} took over", *notes)
    base = replace(
        state,
        next_seq=turn.seq + 1,
        spend=state.spend + turn.spend,
        opened=True,
        # Words that arrived while the model was speaking are still to be given.
        pending=state.pending[step.given :],
        instead_of=tuple(dict.fromkeys((*state.instead_of, *notes))),
        use=state.use + turn.use,
        helper=turn.helper,
        helped=state.helped or bool(step.takes_over),
        finishing=state.finishing + (FINISH_NOW in step.messages),
    )
    if turn.tools:
        actions = (*memory.actions, *(use.fingerprint for use in turn.tools))[-MEMORY:]
        return replace(base, awaiting_tools=turn.seq, memory=replace(memory, actions=actions, monologues=0))
    words = CUT_OFF if turn.finish == FinishReason.LENGTH else USE_TOOLS
    return replace(
        base,
        pending=(*base.pending, words),
        memory=replace(memory, monologues=memory.monologues + 1),
    )


def after_tools(state: SessionState, batch: BatchOutcome) -> SessionState:
    """Fold a batch of tool results into the state."""
    errors = (*state.memory.errors, *batch.errors)[-MEMORY:] if batch.errors else ()
    return replace(
        state,
        next_seq=batch.seq + 1,
        awaiting_tools=None,
        finished=batch.finished,
        memory=replace(state.memory, errors=errors),
    )


def told(state: SessionState, text: str) -> SessionState:
    """A person's words for the agent; whoever steers also ends a loop."""
    return replace(state, pending=(*state.pending, text), memory=_fresh())


def unread(state: SessionState) -> tuple[str, ...]:
    """What others said that the agent was not given, for it has ended."""
    return tuple(word for word in state.pending if word not in (USE_TOOLS, CUT_OFF))


def resumed(state: SessionState) -> SessionState:
    """A person let it go on: the stuck detector starts anew."""
    return replace(state, memory=_fresh())


def _stop(state: SessionState, waiting: Waiting) -> Stop | End:
    """Who is to finish waits for nothing."""
    return End(ENDED) if state.finish_now else Stop(waiting)


def _fresh(*, nudges: int = 0) -> LoopMemory:
    return LoopMemory(nudges=nudges)


def _out_of_turns(used: int) -> Waiting:
    return Waiting(
        Gate.TURNS,
        f"the agent has used all of its {used} turns",
        "give it more with `tamma budget add TASK --turns 50`, or `tamma cancel TASK`",
    )


OUT_OF_TIME = Waiting(
    Gate.TIME,
    "the run has worked for as long as it may",
    "give it more with `tamma budget add TASK --hours 4`, or `tamma cancel TASK`",
)


def out_of_money(spent: Decimal, budget: Decimal) -> Waiting:
    """What a run waits for that has spent its budget."""
    return Waiting(
        Gate.BUDGET,
        f"{spent:.2f} USD of {budget:.2f} USD are spent",
        "give it more with `tamma budget add TASK --usd 2`, or `tamma cancel TASK`",
    )


def what_remains(state: SessionState, *, budget_left: Decimal, turns_left: int) -> str:
    """What a stage's first prompt says of the money and turns that are left. It stands at its end, so that
    what comes before it is found in the provider's cache."""
    usd = max(budget_left - state.spend.cost_usd, Decimal(0))
    turns = max(turns_left - state.spend.turns, 0)
    return (
        f"What this run may still use, with all that is left to do: {usd:.2f} USD of model calls, "
        f"{turns} model calls. Beyond that a person has to be asked."
    )


def _stuck(loop: Loop) -> Waiting:
    return Waiting(
        Gate.STUCK,
        f"the agent goes in circles: {loop.reason}",
        'help it with `tamma steer TASK "..."`, let it go on with `tamma resume TASK`, or cancel it',
    )
