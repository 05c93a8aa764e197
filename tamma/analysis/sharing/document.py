"""A month's release: the bytes that would leave the installation. Pure but for the noise."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tamma.analysis.sharing.groups import BOUNDS, RUNS_PER_REPOSITORY, GroupSums
from tamma.analysis.sharing.noise import System, discrete_laplace

FORMAT = "tamma-sharing/1"
_PARTS = 10**6


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release promises."""

    epsilon: float
    min_group: int

    def scale(self, figure: str) -> Fraction:
        """Of the noise on one figure. Epsilon is shared equally by the figures; one repository moves the
        figures of all groups together by `RUNS_PER_REPOSITORY` runs of the bound at most."""
        # Rounded down, so that no more is told than was declared.
        share = Fraction(math.floor(Fraction(self.epsilon) / len(BOUNDS) * _PARTS), _PARTS)
        return RUNS_PER_REPOSITORY * BOUNDS[figure] / share


def release(month: str, groups: Iterable[GroupSums], terms: Terms, source: System) -> bytes:
    """The JSON of a release. Sums may come out negative: cut off at 0, sums of many releases would be too
    high."""
    large = [
        group for group in groups if group.runs >= terms.min_group and group.repositories >= terms.min_group
    ]
    shape = {
        "format": FORMAT,
        "month": month,
        "epsilon": terms.epsilon,
        "minGroup": terms.min_group,
        "protects": "repository",
        "runsPerRepository": RUNS_PER_REPOSITORY,
        "mechanism": "discrete Laplace",
        "bounds": dict(BOUNDS),
        "noiseScales": {figure: round(float(terms.scale(figure)), 3) for figure in BOUNDS},
        "groups": [
            {
                "modelFamily": group.key.model_family,
                "taskType": group.key.task_type,
                "contextStrategy": group.key.context_strategy,
                "sums": {
                    figure: group.sums[figure] + discrete_laplace(terms.scale(figure), source)
                    for figure in BOUNDS
                },
            }
            for group in large
        ],
    }
    return (json.dumps(shape, indent=2, ensure_ascii=True, sort_keys=False) + "\n").encode()
