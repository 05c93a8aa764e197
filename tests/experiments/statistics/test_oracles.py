"""A thousand random inputs: our answers against those of statsmodels, gbstats and spotify-confidence.

They are installed by `.ci/install-peers packages` into an environment of their own, `.peers/oracles`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamma.experiments.statistics.clusters import clustered_pairs
from tamma.experiments.statistics.cuped import Covariate, cuped
from tamma.experiments.statistics.mcnemar import mcnemar_p
from tamma.experiments.statistics.means import paired_t, welch
from tamma.experiments.statistics.multiplicity import benjamini_hochberg, holm
from tamma.experiments.statistics.power import (
    Goal,
    means_power,
    means_tasks,
    paired_power,
    paired_tasks,
    rates_power,
)
from tamma.experiments.statistics.proportions import Counts, compare_rates, newcombe, wilson
from tamma.experiments.statistics.ratios import ratio
from tamma.experiments.statistics.srm import sample_ratio
from tamma.model.estimates import Comparison, Interval
from tests.support.peers import peer

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]

CASES = 1000
SCRIPT = Path(__file__).with_name("oracles.py")
EXACT = 1e-9
"""Relative and absolute: both sides compute the same formula in doubles."""
SUMS = 1e-6
"""gbstats and spotify-confidence see sums of squares alone, and spotify takes p from 1 - cdf."""
SOLVED = 1e-4
"""Relative: statsmodels' solver stops there."""


def a_case(rng: np.random.Generator) -> dict[str, Any]:
    n, m = (int(size) for size in rng.integers(3, 60, 2))
    sizes = [int(size) for size in rng.integers(1, 90, 2)]
    large = [int(size) for size in rng.integers(250, 5000, 2)]
    scale = float(10 ** rng.uniform(-3, 4))
    repositories = [index for index in range(int(rng.integers(3, 12))) for _ in range(4)]
    table = [int(count) for count in rng.integers(0, 40, 4)]
    return {
        "control": rng.normal(5, 2, n).tolist(),
        "treatment": (rng.normal(5, 1, m) + rng.choice([0.0, 1.0])).tolist(),
        "control_covariate": rng.normal(size=n).tolist(),
        "treatment_covariate": rng.normal(size=m).tolist(),
        "control_costs": (rng.lognormal(1, 1, n) * scale).tolist(),
        "treatment_costs": (rng.lognormal(1.3, 0.7, m) * scale).tolist(),
        "pairs": (rng.normal(0.2, 1, (len(repositories), 2)) * scale).tolist(),
        "repositories": repositories,
        "control_rate": [int(rng.integers(0, sizes[0] + 1)), sizes[0]],
        "treatment_rate": [int(rng.integers(0, sizes[1] + 1)), sizes[1]],
        "control_big": [int(large[0] * rng.uniform(0.05, 0.95)), large[0]],
        "treatment_big": [int(large[1] * rng.uniform(0.05, 0.95)), large[1]],
        "table": table if table[1] + table[2] else [1, 1, 1, 1],
        "ps": (rng.uniform(0, 1, int(rng.integers(1, 12))) ** 3).tolist(),
        "split": [int(count) for count in rng.integers(400, 600, 3)],
        "planned": rng.uniform(0.9, 1.1, 3).tolist(),
        "rates": [float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.5, 0.9))],
        "effect": float(rng.uniform(0.1, 1.2)),
        "n": int(rng.integers(4, 400)),
    }


def covariate(values: list[float]) -> Covariate:
    then = [datetime(2026, 1, 1, tzinfo=UTC)] * len(values)
    return Covariate(values, then, then)


def ours(case: dict[str, Any]) -> dict[str, Any]:
    """What we answer, by the oracles' names. Sets the slope that gbstats is to use."""
    plain = welch(control=case["control"], treatment=case["treatment"])
    costs = ratio(control=case["control_costs"], treatment=case["treatment_costs"])
    before, after = [pair[0] for pair in case["pairs"]], [pair[1] for pair in case["pairs"]]
    paired = paired_t(control=before, treatment=after)
    adjusted = cuped(
        control=case["control"],
        treatment=case["treatment"],
        control_covariate=covariate(case["control_covariate"]),
        treatment_covariate=covariate(case["treatment_covariate"]),
    )
    case["slope"] = adjusted.slope
    grouped = clustered_pairs(
        control=before, treatment=after, repositories=[f"r{number}" for number in case["repositories"]]
    )
    control, treatment = Counts(*case["control_rate"]), Counts(*case["treatment_rate"])
    big = compare_rates(control=Counts(*case["control_big"]), treatment=Counts(*case["treatment_big"]))
    effect, n = case["effect"], case["n"]
    return {
        "welch": [*ends(plain.interval), plain.p, plain.df],
        "welch_gbstats": [*ends(plain.interval), plain.p],
        "welch_spotify": [*ends(plain.interval), plain.p],
        "log_ratio": [*log_ends(costs), costs.p, costs.df],
        "log_ratio_gbstats": [*log_ends(costs), costs.p],
        "log_ratio_spotify": [*log_ends(costs), costs.p],
        "paired_t": [*ends(paired.interval), paired.p],
        "cuped_gbstats": [adjusted.comparison.estimate, unpaid(adjusted.comparison)],
        "clustered": [grouped.standard_error, grouped.p],
        "holm": list(holm(case["ps"])),
        "benjamini_hochberg": list(benjamini_hochberg(case["ps"])),
        "srm_gbstats": sample_ratio(case["split"], case["planned"]).p,
        "wilson": ends(wilson(control)),
        "newcombe": ends(newcombe(control=control, treatment=treatment)),
        "score_p": big.p,
        "mcnemar": mcnemar_p(case["table"][1], case["table"][2]),
        "means_power": means_power(effect, n),
        "means_power_one_sided": means_power(effect, n, Goal(sides=1)),
        "paired_power": paired_power(effect, n),
        "rates_power": rates_power(case["rates"][0], case["rates"][1], n),
        "means_tasks": means_tasks(effect),
        "paired_tasks": paired_tasks(effect),
    }


def ends(interval: Interval | None) -> list[float]:
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    return [interval.low, interval.high]


def log_ends(comparison: Comparison) -> list[float]:
    return [math.log(end) for end in ends(comparison.interval)]


def unpaid(comparison: Comparison) -> float:
    """The standard error without the degree of freedom that we pay for the slope and gbstats does not."""
    assert comparison.standard_error is not None
    tasks = comparison.control.n + comparison.treatment.n
    return comparison.standard_error * math.sqrt((tasks - 3) / (tasks - 2))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Our answers and theirs, case by case."""
    if sys.version_info >= (3, 13):
        pytest.skip("gbstats 0.8 needs pandas 1, which has no wheels for Python 3.13")
    python, folder = peer("oracles/bin/python"), tmp_path_factory.mktemp("oracles")
    rng = np.random.default_rng(20260302)
    cases = [a_case(rng) for _ in range(CASES)]
    answers = [ours(case) for case in cases]
    inputs, output = folder / "inputs.json", folder / "output.json"
    inputs.write_text(json.dumps(cases))
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "MPLCONFIGDIR": str(folder)}
    done = subprocess.run(
        [python, SCRIPT, inputs, output],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(output.read_text())
    assert len(theirs) == CASES
    return answers, theirs


@pytest.mark.parametrize(
    ("name", "tolerance", "least"),
    [
        ("welch", EXACT, CASES),
        ("welch_gbstats", SUMS, CASES),
        ("welch_spotify", SUMS, 40),
        ("log_ratio", EXACT, CASES),
        ("log_ratio_gbstats", SUMS, CASES),
        ("log_ratio_spotify", SUMS, 40),
        ("paired_t", EXACT, CASES),
        ("cuped_gbstats", SUMS, CASES),
        ("clustered", EXACT, CASES),
        ("holm", EXACT, CASES),
        ("benjamini_hochberg", EXACT, CASES),
        ("srm_gbstats", EXACT, CASES),
        ("wilson", EXACT, CASES),
        ("newcombe", EXACT, CASES),
        ("score_p", EXACT, CASES),
        ("mcnemar", EXACT, CASES),
        ("means_power", EXACT, CASES),
        ("means_power_one_sided", EXACT, CASES),
        ("paired_power", EXACT, CASES),
        ("rates_power", EXACT, CASES),
        ("means_tasks", SOLVED, 40),
        ("paired_tasks", SOLVED, 40),
    ],
)
def test_we_agree(
    both: tuple[list[dict[str, Any]], list[dict[str, Any]]], name: str, tolerance: float, least: int
) -> None:
    pairs = [(own[name], other[name]) for own, other in zip(*both, strict=True) if name in other]
    assert len(pairs) >= least
    wrong = [
        (index, own, other)
        for index, (own, other) in enumerate(pairs)
        if own != pytest.approx(other, rel=tolerance, abs=tolerance)
    ]
    assert not wrong, f"{len(wrong)} of {len(pairs)} differ, e.g. {wrong[:3]}"
