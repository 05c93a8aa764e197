"""The stuck detector: a pure function over the last few actions.

The thresholds are those that agents in the field settled on: four equal actions, three equal errors, three
turns of talk without a tool, six alternating actions.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.session import LoopMemory

EQUAL_ACTIONS = 4
EQUAL_ERRORS = 3
MONOLOGUES = 3
ALTERNATIONS = 6

_TALKS = "You have spoken several times without acting. Call exactly one tool now."
_FAILS = (
    "You got the same error several times. Do something different: read the message, look at the "
    "file as it is now, and try another way."
)
_REPEATS = "You repeated the same action several times; its result will not change. Try another way."
_ALTERNATES = "You go back and forth between two actions. Stop, say what you have learnt, try another way."
ADVICES = (_TALKS, _FAILS, _REPEATS, _ALTERNATES)


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop that was seen: what it is, and what the agent is told once."""

    reason: str
    advice: str


def detect(memory: LoopMemory) -> Loop | None:
    """The loop that the last actions form, or None."""
    actions, errors = memory.actions, memory.errors
    if memory.monologues >= MONOLOGUES:
        return Loop(
            f"{memory.monologues} turns in a row without a tool call",
            _TALKS,
        )
    if len(errors) >= EQUAL_ERRORS and len(set(errors[-EQUAL_ERRORS:])) == 1:
        return Loop(
            f"the same error {EQUAL_ERRORS} times in a row",
            _FAILS,
        )
    if len(actions) >= EQUAL_ACTIONS and len(set(actions[-EQUAL_ACTIONS:])) == 1:
        return Loop(
            f"the same action {EQUAL_ACTIONS} times in a row",
            _REPEATS,
        )
    if _alternates(actions[-ALTERNATIONS:]):
        return Loop(
            f"two actions in turn, {ALTERNATIONS} times",
            _ALTERNATES,
        )
    return None


def _alternates(actions: tuple[str, ...]) -> bool:
    return (
        len(actions) == ALTERNATIONS
        and actions[0] != actions[1]
        and all(actions[i] == actions[i % 2] for i in range(ALTERNATIONS))
    )
