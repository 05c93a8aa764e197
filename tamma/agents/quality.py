"""How good a run's work was, from 0 to 100, where no hidden test can say: a declared score.

==========  ======  ==============================================================================
part        weight  score
==========  ======  ==============================================================================
gates       0.5     100 where all commands that block (the tests, a build, a type checker, a linter)
                    were green at once, 25 less each time the agent was sent back with a red
                    one, 0 where they never got green
review      0.2     100 where the reviewer approved the change as it was, 50 where it asked for more
kept        0.5     0 where the merged change was reverted within the window (14 days), 100 where it stood;
                    none before the window has passed (`tamma/agents/kept.py` finds reverts)
person:...  0.3     what people say (`tamma rate`); several people share the weight
==========  ======  ==============================================================================

The quality is the weighted mean of the parts there are: a part without a word leaves its share to the others.
A run whose tests never ran, and that nobody looked at, has none. The weights are a convention, not a
measurement; every part is kept with its score, so that other weights can be tried.

`kept` is told once, when the window is over, to reverted changes and to others alike. Told at the revert, the
runs of the last days would have bad words alone, and whatever is new would look worse than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tamma.agents.kept import Fate
from tamma.model.metrics import MergedChange, QualityPart

GATES, REVIEW, KEPT = 0.5, 0.2, 0.5
SENT_BACK = 25.0
"""What each further attempt at the gates takes off."""
ASKED_FOR_MORE = 50.0


@dataclass(frozen=True, slots=True)
class Work:
    """What a run's own gates and reviewer said of its work."""

    green: bool | None = None
    """How the commands that block ended last; None where none ran."""
    fixes: int = 0
    """How often the agent was sent back with a red one."""
    approved: bool | None = None
    """Whether the reviewer approved the change as it first was; None where none was asked."""


def graded(work: Work) -> tuple[QualityPart, ...]:
    """The parts that the run itself can tell."""
    parts: list[QualityPart] = []
    if work.green is not None:
        score = max(100.0 - SENT_BACK * work.fixes, 0.0) if work.green else 0.0
        parts.append(QualityPart("gates", score, GATES, _gates(work)))
    if work.approved is not None:
        score = 100.0 if work.approved else ASKED_FOR_MORE
        said = "approved as it was" if work.approved else "changes were asked for"
        parts.append(QualityPart("review", score, REVIEW, said))
    return tuple(parts)


def kept(change: MergedChange, fate: Fate, window: timedelta) -> QualityPart | None:
    """The part that tells whether a change stood its window; None where its branch no longer shows that.

    Only after the window. A change that was reverted and brought back within it was kept.
    """
    if fate.by is not None:
        after = max((fate.by.committed_at - change.at) / timedelta(days=1), 0.0)
        return QualityPart("kept", 0.0, KEPT, f"reverted by {fate.by.sha[:12]} after {after:.1f} days")
    if not fate.seen:
        return None
    return QualityPart("kept", 100.0, KEPT, f"stood {window / timedelta(days=1):g} days")


def _gates(work: Work) -> str:
    if not work.green:
        return f"red at the end, sent back {_times(work.fixes)}"
    return f"green, sent back {_times(work.fixes)}" if work.fixes else "green at once"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
