"""The tries at a change, for people and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.agents.best import told
from tamma.model.tries import TryOutcome


def lines(tries: Sequence[TryOutcome]) -> list[str]:
    """`* try 2 (openai/gpt-6): green, 1 file +1 -1`: a star for the one that was taken."""
    return [
        f"{'*' if each.chosen else ' '} try {each.number} ({each.agent}): {told(each)}; "
        f"{each.turns} model calls, {each.cost_usd:.4f} USD"
        for each in tries
    ]


def row(one: TryOutcome) -> dict[str, object]:
    """One of them; `patch` has its diff."""
    return {
        "number": one.number,
        "agent": one.agent,
        "sessionId": one.session_id,
        "chosen": one.chosen,
        "green": one.green,
        "endedEarly": one.end or None,
        "red": one.red or None,
        "refused": list(one.refused),
        "toBeAgreedTo": one.asks,
        "files": one.files,
        "added": one.added,
        "removed": one.removed,
        "diff": one.diff,
        "turns": one.turns,
        "costUsd": round(float(one.cost_usd), 6),
    }
