"""Turns that went in circles are not sent again: a model that reads its own loop goes on with it.

Where the stuck detector spoke, the repetitions before its words are left out and their first time is kept,
so that the model still knows what came of it. The cut is a fold over the transcript, which keeps them all:
the same transcript always gives the same cut, and nothing that comes later changes what was sent before.
"""

from __future__ import annotations

from collections.abc import Sequence

from tamma.agents.machine import CUT_OFF, TAKE_OVER, USE_TOOLS
from tamma.agents.stuck import ADVICES
from tamma.model.conversation import Message, Role, Text, ToolResult

_TAKE_OVER = TAKE_OVER.partition("{")[0]
_OURS = (USE_TOOLS, CUT_OFF, "")
"""What stands between the turns of a loop, beside the results of tools."""


def without_loops(messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` without the repeated turns that the stuck detector spoke of."""
    kept: list[Message] = []
    for message in messages:
        if _speaks_of_loop(message):
            _forget(kept)
        kept.append(message)
    return tuple(kept)


def _speaks_of_loop(message: Message) -> bool:
    if message.role is Role.ASSISTANT:
        return False
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    return any(_TAKE_OVER in text or any(advice in text for advice in ADVICES) for text in texts)


def _forget(kept: list[Message]) -> None:
    """Take away the repetitions at the end of `kept`: of one turn, else of two in turn."""
    for period in (1, 2):
        turns = _turns(kept)
        actions = [_action(kept[start]) for start in turns]
        repeated = 0
        while len(actions) > repeated + period and actions[-1 - repeated] == actions[-1 - repeated - period]:
            repeated += 1
        if repeated:
            del kept[turns[-repeated] :]
            return


def _turns(kept: Sequence[Message]) -> list[int]:
    """Where the turns at the end begin that only tools answered."""
    starts: list[int] = []
    for at in range(len(kept) - 1, -1, -1):
        if kept[at].role is Role.ASSISTANT:
            starts.append(at)
        elif not _between(kept[at]):
            break
    return starts[::-1]


def _between(message: Message) -> bool:
    return all(
        isinstance(part, ToolResult) or (isinstance(part, Text) and part.text.strip() in _OURS)
        for part in message.parts
    )


def _action(turn: Message) -> tuple[tuple[str, str], ...]:
    """What the turn did; empty for one that only talked."""
    return tuple((call.name, call.args_json) for call in turn.tool_calls)
