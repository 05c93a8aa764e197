"""What looking at an experiment needs to know of the looks before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """A look that was taken: on how many completed units, and how extreme |z| would have stopped there."""

    units: int
    boundary: float


@dataclass(frozen=True, slots=True)
class DueLook:
    """A look to take now. Its boundary is computed from this, for the units there are."""

    number: int
    """From 1."""
    units: int
    """All that are completed, which may be more than were planned for this look."""
    last: bool
    skipped: int
    """Planned looks that nobody took in time. This one makes up for them."""
    prior: tuple[Bound, ...]
    """The looks before, on fewer units. One that could make no test spent nothing and is not among them."""
    by_hand: bool = False
    """The last look because a person ended the test, who may have seen the figures. So it spends no more
    alpha than any other look at that point: whoever watches could stop in the moment that suits him."""
