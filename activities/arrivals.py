"""What a change brings in, as the policy about new dependencies has it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from tamma.agents.findings import told
from tamma.model.task import NewDependencies
from tamma.workspace.interface import DependencyChange

MOST_TOLD, MOST_ASKED = 50, 20
REFUSED = "; new dependencies are refused here: do without"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Lines for the agent and for people."""

    all: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    """What a person must agree to."""


def judged(changes: Iterable[DependencyChange], policy: NewDependencies) -> Arrivals:
    """In the order in which they come. What looks like an attack passes no policy unseen."""
    listed = tuple(changes)
    lines = tuple(told(each) for each in listed[:MOST_TOLD])
    if len(listed) > MOST_TOLD:
        lines = (*lines[:-1], f"... and {len(listed) - MOST_TOLD + 1} more changes of dependencies")
    asking = [told(each) for each in listed if each.loud or (each.asks and policy != "allow")]
    shown = tuple(asking[:MOST_ASKED])
    if len(asking) > MOST_ASKED:
        rest = asking[MOST_ASKED:]
        # Who agreed to these has not agreed to others that take their places.
        mark = hashlib.sha256("\n".join(rest).encode()).hexdigest()[:8]
        shown = (*shown, f"... and {len(rest)} more of the kind ({mark})")
    if policy == "refuse":
        return Arrivals(lines, refused=tuple(f"{line}{REFUSED}" for line in shown))
    return Arrivals(lines, wanted=shown)
