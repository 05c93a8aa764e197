"""Best of several tries: how many the money bears, who makes them, which one is taken. Pure.

What the run's own gates say goes first: a try whose tests are green beats one whose are not, whatever a model
thinks of their looks. A model is asked only where the gates leave several, and sees neither who made which
nor in which order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from tamma.model.ids import TaskId
from tamma.model.loose_json import find_object
from tamma.model.task import AgentChoice
from tamma.model.tries import MOST, TryOutcome

LEAST_USD = Decimal("0.25")
"""US dollars that a try needs at least, unless writing the failing test has cost more."""
LEAST_TURNS = 6
"""Model calls that a try needs at least."""
LETTERS = "ABCDEFGH"
_WARMER, _WARMEST = 0.2, 1.0
_LONGEST_WHY = 500

_HINTS = (
    "",
    "Find the cause before you change anything: the line that is wrong, not the one that calls it.",
    "Look for code in this repository that does something alike already, and solve it in that way.",
    "Aim at the smallest change that is right in general, not for the test's values alone.",
    "Think of the inputs at the edges first (empty, one, many, wrong), and of who else calls this code.",
    "Doubt the plan: if the code shows a simpler or sounder way, take that one.",
    "Read the documentation and the comments near the code first: what do they promise to its callers?",
    "Write down two ways to solve it before you begin, and take the one that is easier to undo.",
)
"""What the tries of one agent are told apart by. The first is told nothing: it is the run as it always is."""
assert len(_HINTS) == len(LETTERS) == MOST


@dataclass(frozen=True, slots=True)
class Shares:
    """How many tries there are, and what each may use."""

    number: int
    usd: Decimal = Decimal(0)
    turns: int = 0


def shares(wanted: int, usd_left: Decimal, turns_left: int, test_usd: Decimal) -> Shares:
    """As many tries as there is money and turns for. One share more than tries is made of what is left: for
    mending, and for the reviews. `test_usd`: what writing the failing test has cost.
    """
    least = max(LEAST_USD, test_usd)
    number = min(wanted, MOST, int(max(usd_left, 0) / least) - 1, max(turns_left, 0) // LEAST_TURNS - 1)
    if number < 1:
        return Shares(0)
    usd = (usd_left / (number + 1)).quantize(Decimal("0.01"), ROUND_DOWN)
    return Shares(number, usd, turns_left // (number + 1))


def agent_of(number: int, own: AgentChoice, others: Sequence[AgentChoice]) -> AgentChoice:
    """Who makes a try: the run's own agent the first one, then the `others` in turn.

    Where one makes several, each later one is made more freely, if a temperature is set for it. A stored
    version keeps its own: that is part of what it is.
    """
    makers = (own, *others)
    agent = makers[(number - 1) % len(makers)]
    times = (number - 1) // len(makers)
    if times == 0 or agent.temperature is None or agent.version is not None:
        return agent
    warmer = min(agent.temperature + _WARMER * times, max(agent.temperature, _WARMEST))
    return replace(agent, temperature=round(warmer, 2))


def hint_of(number: int, makers: int) -> str:
    """What a try is told beside its task: nothing where it is the first of its agent."""
    return _HINTS[(number - 1) // makers % len(_HINTS)]


# --- which one -----------------------------------------------------------------------------------


def leading(outcomes: Sequence[TryOutcome]) -> tuple[TryOutcome, ...]:
    """The green ones that nothing sets apart: needs nobody's agreement goes before needs it, then came to
    its end before was cut short. Of equal diffs the first one stands for all."""
    green = [each for each in outcomes if each.green]
    best = max(map(_tier, green), default=None)
    found: dict[str | None, TryOutcome] = {}
    for each in green:
        if _tier(each) == best:
            found.setdefault(each.diff, each)
    return tuple(found.values())


def smallest(outcomes: Sequence[TryOutcome]) -> TryOutcome:
    """The one that touches the fewest lines; of several the first."""
    return min(outcomes, key=lambda each: (each.size, each.number))


def best_red(outcomes: Sequence[TryOutcome]) -> TryOutcome:
    """The one that is nearest to green: changes something, is refused nothing, gets furthest, came to its
    end, is small."""
    return max(
        outcomes,
        key=lambda each: (
            each.files > 0,
            not each.refused,
            not each.red,
            each.passed,
            not each.end,
            -each.size,
            -each.number,
        ),
    )


def blind_order(task_id: TaskId, outcomes: Sequence[TryOutcome]) -> tuple[TryOutcome, ...]:
    """Shuffled, the same for the same run: models favour what stands first."""

    def key(each: TryOutcome) -> str:
        return hashlib.sha256(f"{task_id}/{each.number}".encode()).hexdigest()

    return tuple(sorted(outcomes, key=key))


def read_choice(answer: str, candidates: int) -> tuple[int | None, str]:
    """Which candidate, from 0, and why; None where the answer names none."""
    found = find_object(answer) or {}
    letter, why = found.get("best"), found.get("why")
    words = " ".join(why.split())[:_LONGEST_WHY] if isinstance(why, str) else ""
    if not isinstance(letter, str) or letter.strip().upper() not in LETTERS[:candidates]:
        return None, words
    name = letter.strip().upper()
    return (LETTERS.index(name), words) if len(name) == 1 else (None, words)


# --- words ---------------------------------------------------------------------------------------


def fewer(wanted: int, number: int) -> str:
    """Why there are fewer tries than were asked for."""
    made = f"only {number} are made" if number > 1 else "only one is made"
    return f"best of {wanted}: {made}, as what is left of the run's budget and turns bears no more"


def verdict(outcomes: Sequence[TryOutcome], taken: TryOutcome, why: str) -> str:
    """`2 of 3 tries were green; try 2 (openai/gpt-6) was taken: WHY`."""
    green = sum(each.green for each in outcomes)
    who = f"try {taken.number} ({taken.agent})"
    if not green:
        return f"none of {len(outcomes)} tries was green; {who} goes on: {why}"
    were = "was" if green == 1 else "were"
    return f"{green} of {len(outcomes)} tries {were} green; {who} was taken: {why}"


def why_alone(outcomes: Sequence[TryOutcome]) -> str:
    """Why nobody had to be asked which one is best."""
    if sum(each.green for each in outcomes) == 1:
        return "it is the only one"
    return "the other green ones make the same change, need somebody's agreement, or were cut short"


def told(outcome: TryOutcome) -> str:
    """One try on a line, after its number and agent: `green, 2 files +3 -1`, or what is wrong with it."""
    size = f"{outcome.files} {'file' if outcome.files == 1 else 'files'} +{outcome.added} -{outcome.removed}"
    if not outcome.files:
        words = "changed nothing"
    elif outcome.refused:
        words = f"refused ({'; '.join(outcome.refused)}), {size}"
    elif outcome.red:
        words = f"red (`{outcome.red}`), {size}"
    else:
        asks = f", {outcome.asks} to be agreed to" if outcome.asks else ""
        words = f"green{asks}, {size}"
    return f"{words}; ended early: {outcome.end}" if outcome.end else words


def _tier(outcome: TryOutcome) -> tuple[bool, bool]:
    return not outcome.asks, not outcome.end
