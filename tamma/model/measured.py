"""Measurements as reports read them: sums over groups of runs, and runs without what only explains them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

LENGTH_STEP = 0.05
"""Durations are counted in bins of this width of their logarithm: the bounds of a bin differ by 5 %."""
_DIGITS = 60
"""Of sums of money: no run costs so much, in so small parts, that they would be rounded."""


@dataclass(frozen=True, slots=True)
class LengthBin:
    """How many runs lasted nearly equally long, and the least and the most of them in milliseconds."""

    index: int
    runs: int
    least: int
    most: int

    @staticmethod
    def index_of(milliseconds: int) -> int:
        """`floor(ln(duration) / LENGTH_STEP)`; below a millisecond as one."""
        return math.floor(math.log(max(milliseconds, 1)) / LENGTH_STEP)

    def __add__(self, other: LengthBin) -> LengthBin:
        return LengthBin(
            self.index, self.runs + other.runs, min(self.least, other.least), max(self.most, other.most)
        )


@dataclass(frozen=True, slots=True)
class RunSums:
    """What adds up over runs: groups of runs are merged by adding theirs. Squares are for spreads."""

    runs: int = 0
    successes: int = 0
    duration_ms: int = 0
    duration_squares: float = 0.0
    cost_usd: Decimal = Decimal(0)
    """Of all runs; of those with calls of unknown price as far as it is known."""
    priced: int = 0
    """Runs whose every call has a price. The next four are about them alone."""
    priced_successes: int = 0
    priced_usd: float = 0.0
    priced_squares: float = 0.0
    priced_success_usd: float = 0.0
    """What the successful ones among them cost."""
    graded: int = 0
    quality: float = 0.0
    quality_squares: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    windowed: int = 0
    """Runs whose model's window is known."""
    efficiency: float = 0.0
    """Peak over window, summed over those."""
    truncated: int = 0
    """Runs in which old results were dropped at least once."""
    overflowed: int = 0
    turns: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each error type ended a run; `unknown` where a run failed without one."""
    lengths: tuple[LengthBin, ...] = ()
    """By index."""

    @property
    def unpriced(self) -> int:
        return self.runs - self.priced

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def duration_quantile(self, share: float) -> float | None:
        """The smallest duration that at least `share` of the runs do not exceed, in milliseconds.

        Exact while no bin that it falls into holds more than two runs, else within the bin's 5 %.
        """
        count = sum(each.runs for each in self.lengths)
        rank = math.ceil(round(share * count, 9))  # the rounding keeps .95 * 20 at 19
        for each in self.lengths:
            if rank <= each.runs:
                if each.runs == 1:
                    return float(each.least)
                return each.least + (each.most - each.least) * (max(rank, 1) - 1) / (each.runs - 1)
            rank -= each.runs
        return None


_ADDED = (
    "runs", "successes", "duration_ms", "duration_squares", "priced", "priced_successes", "priced_usd",
    "priced_squares", "priced_success_usd", "graded", "quality", "quality_squares", "input_tokens",
    "output_tokens", "cache_read_tokens", "windowed", "efficiency", "truncated", "overflowed", "turns",
)  # fmt: skip


def merged(parts: Iterable[RunSums]) -> RunSums:
    """The sums of all these runs together."""
    kept = tuple(parts)
    errors: Counter[str] = Counter()
    lengths: dict[int, LengthBin] = {}
    for part in kept:
        errors.update(part.errors)
        for each in part.lengths:
            lengths[each.index] = lengths[each.index] + each if each.index in lengths else each
    added = {name: sum(getattr(part, name) for part in kept) for name in _ADDED}
    with localcontext(prec=_DIGITS):
        cost = sum((part.cost_usd for part in kept), Decimal(0))
    return RunSums(
        **added,
        cost_usd=cost,
        errors=dict(sorted(errors.items(), key=lambda item: (-item[1], item[0]))),
        lengths=tuple(lengths[index] for index in sorted(lengths)),
    )


@dataclass(frozen=True, slots=True)
class RunGroup:
    """The sums of the runs of one agent's version on one type of task, in one part of the time range."""

    part: int
    """From 0; the range is cut into equal parts."""
    agent_id: str
    """Empty: no configured agent, just a provider and a model."""
    agent: str
    """Its name in these runs; where it was renamed meanwhile, the last by the alphabet."""
    version: int
    """0 where there is no agent."""
    task_type: str
    sums: RunSums


@dataclass(frozen=True, slots=True)
class RunValues:
    """One run's values: what comparisons, trends and recommendations are made of."""

    run_id: str
    ended_at: datetime
    agent_id: str
    agent: str
    version: int
    provider: str
    model: str
    served_models: tuple[str, ...]
    repo: str
    task_type: str
    success: bool
    error_type: str
    quality: float | None
    cost_usd: float
    unpriced_calls: int
    duration_ms: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    window: int
    peak: int
    truncations: int
    overflows: int
    turns: int
    config: str = ""
    """The hash of the agent's configuration."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class RunSample:
    """Runs by the time of their ends: all that were asked for, or a random part of them."""

    values: tuple[RunValues, ...]
    of: int
    """How many there are."""

    @property
    def note(self) -> str:
        """What must be said where these are not all; empty where they are."""
        if len(self.values) == self.of:
            return ""
        return f"from a random sample of {len(self.values)} of {self.of} runs"


def sampled(groups: Sequence[RunGroup], *, part: int | None = None) -> RunSums:
    """The sums over some groups; of one part of the range alone, if it is given."""
    return merged(each.sums for each in groups if part is None or each.part == part)
