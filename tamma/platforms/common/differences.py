"""What of labels, assignees and reviewers has to be written: the difference alone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Names that have to come, as they were asked for, and names that have to go, as they stand there."""

    missing: tuple[str, ...]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.gone)

    def applied(self, there: Iterable[str]) -> tuple[str, ...]:
        """The names after it, where the whole list is written."""
        return (*(name for name in there if name not in self.gone), *self.missing)


def difference(
    there: Iterable[str],
    add: Iterable[str],
    remove: Iterable[str] = (),
    *,
    fold: Callable[[str], str] = str.lower,
) -> Difference:
    """Each name once. What is to be added and removed at once stays. Names that `fold` makes equal are the
    same: most services do not look at the case."""
    wanted: dict[str, str] = {}
    for name in add:
        wanted.setdefault(fold(name), name)
    present = list(there)
    known = {fold(name) for name in present}
    unwanted = {fold(name) for name in remove} - wanted.keys()
    return Difference(
        tuple(name for key, name in wanted.items() if key not in known),
        tuple(name for name in present if fold(name) in unwanted),
    )
