"""How good a run's work was, from 0 to 100, where no hidden test can say: a declared score.

==========  ======  ==============================================================================
part        weight  score
==========  ======  ==============================================================================
gates       0.5     100 where the tests were green at once, 25 less each time the agent was sent
                    back with a red one, 0 where they never got green
review      0.2     100 where the reviewer approved the change as it was, 50 where it asked for more
person:...  0.3     what people say (`tamma rate`); several people share the weight
==========  ======  ==============================================================================

The quality is the weighted mean of the parts there are: a part without a word leaves its share to the others.
A run whose tests never ran, and that nobody looked at, has none. The weights are a convention, not a
measurement; every part is kept with its score, so that other weights can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass

from tamma.model.metrics import QualityPart

GATES, REVIEW = 0.5, 0.2
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


def _gates(work: Work) -> str:
    if not work.green:
        return f"red at the end, sent back {_times(work.fixes)}"
    return f"green, sent back {_times(work.fixes)}" if work.fixes else "green at once"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
