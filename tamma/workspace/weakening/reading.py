"""What the reader of a language finds in a test file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

EXACT, PARTIAL, VAGUE, NOTHING = 3, 2, 1, 0
"""How much a check says: this very value; something of it; that there is one; nothing at all."""


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion, or one case of a table of cases."""

    form: str
    """The same for assertions that say the same."""
    strength: int
    line: int
    many: bool = False
    """It may stand for several others: it compares a whole, or is repeated in a loop."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A test, or a function that tests may use."""

    name: str
    line: int
    checks: tuple[Check, ...] = ()
    skipped: str = ""
    """What keeps it from being run or from failing, as it is written."""
    test: bool = True
    body: str = ""
    """The same for units that do the same; empty where nothing is done."""
    values: tuple[str, ...] = ()
    """The numbers and strings that stand in it."""

    @property
    def short(self) -> str:
        """The name without the class."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Reading:
    """A test file. `focused`: (line, words) of what keeps all other tests from being run."""

    units: tuple[Unit, ...] = ()
    focused: tuple[tuple[int, str], ...] = ()
    by_name: dict[str, Unit] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {unit.name: unit for unit in self.units})


Reader = Callable[[str], Reading | None]
"""From a file's text; None where it is not of the language after all."""


def numbered(units: list[Unit]) -> tuple[Unit, ...]:
    """The units, with names that occur once: languages let tests share a name."""
    seen: dict[str, int] = {}
    named: list[Unit] = []
    for unit in units:
        seen[unit.name] = count = seen.get(unit.name, 0) + 1
        named.append(unit if count == 1 else replace(unit, name=f"{unit.name} ({count})"))
    return tuple(named)
