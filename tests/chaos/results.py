"""What a session of chaos gives: an outcome a run, and their sum as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """One struck run."""

    seed: int
    run: str
    """A number, or a fault's name: with the seed it names the run for `--seed S --run R`."""
    points: tuple[str, ...]
    """Where it was to be struck."""
    struck: tuple[str, ...]
    seconds: float
    recoveries: tuple[float, ...] = ()
    """Seconds from each blow to the next attempt in another process."""
    attempts: int = 0
    calls: int = 0
    """Model calls paid."""
    paid_again: int = 0
    drawn: str = ""
    """The options that decided which runs there are, where they were not the usual ones."""
    failure: str = ""
    folder: str = ""
    """What is kept of a run that failed: logs, the plan, the ledgers of blows and of the forge."""

    @property
    def missed(self) -> tuple[str, ...]:
        """Planned points where no blow fell."""
        return tuple(point for point in self.points if point not in self.struck)

    @property
    def repeat(self) -> str:
        words = f"{self.drawn} --seed {self.seed} --run {self.run}".strip()
        return f'make chaos ARGS="{words}"'

    def line(self) -> str:
        """For people."""
        verdict = "FAIL" if self.failure else "pass"
        blows = f"{len(self.struck)} blows" if self.points else ""
        again = f"{self.paid_again} calls paid again" if self.paid_again else ""
        more = ", ".join(word for word in (blows, again) if word)
        why = f"\n      {self.failure.splitlines()[0][:300]}" if self.failure else ""
        return f"{verdict}  seed {self.seed}  run {self.run:20} {self.seconds:6.1f} s  {more}".rstrip() + why


@dataclass(frozen=True, slots=True)
class Session:
    """All runs of a command, and what they were drawn from."""

    activities: int
    """Executions of an undisturbed run."""
    points: int
    """Three times as many."""
    outcomes: Sequence[Outcome] = field(default_factory=tuple[Outcome, ...])

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.failure]

    def to_json(self) -> dict[str, Any]:
        outcomes = self.outcomes
        times = sorted(second for outcome in outcomes for second in outcome.recoveries)
        struck = {point for outcome in outcomes for point in outcome.struck}
        return {
            "activities": self.activities,
            "points": self.points,
            "pointsStruck": len(struck),
            "seeds": sorted({outcome.seed for outcome in outcomes}),
            "runs": len(outcomes),
            "strikes": sum(len(outcome.struck) for outcome in outcomes),
            "failed": len(self.failed),
            "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
            "modelCalls": sum(outcome.calls for outcome in outcomes),
            "paidAgain": sum(outcome.paid_again for outcome in outcomes),
            "recoverySeconds": {
                "n": len(times),
                "p50": _percentile(times, 0.5),
                "p95": _percentile(times, 0.95),
            },
            "failures": [
                {
                    "seed": outcome.seed,
                    "run": outcome.run,
                    "points": list(outcome.points),
                    "missed": list(outcome.missed),
                    "failure": outcome.failure,
                    "repeat": outcome.repeat,
                    "folder": outcome.folder,
                }
                for outcome in self.failed
            ],
            "all": [
                {
                    "seed": outcome.seed,
                    "run": outcome.run,
                    "seconds": round(outcome.seconds, 1),
                    "struck": list(outcome.struck),
                    "attempts": outcome.attempts,
                    "modelCalls": outcome.calls,
                    "paidAgain": outcome.paid_again,
                    "passed": not outcome.failure,
                }
                for outcome in outcomes
            ],
        }


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The least value that `share` of them do not exceed; None of none."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2) if ordered else None
