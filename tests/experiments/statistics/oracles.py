"""What statsmodels, gbstats and spotify-confidence make of given inputs. Runs in an environment of its own.

`python oracles.py INPUTS OUTPUT`: both are JSON, a list of cases and one of answers in the same order. It
imports nothing of this project, whose answers these are compared with.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

# Deprecations inside these packages are not what is looked at.
warnings.simplefilter("ignore")

np: Any = import_module("numpy")
pd: Any = import_module("pandas")
gbstats: Any = import_module("gbstats.frequentist.tests")
statistics: Any = import_module("gbstats.models.statistics")
gbutils: Any = import_module("gbstats.utils")
spotify: Any = import_module("spotify_confidence")
sm: Any = import_module("statsmodels.api")
weights: Any = import_module("statsmodels.stats.weightstats")
proportion: Any = import_module("statsmodels.stats.proportion")
tables: Any = import_module("statsmodels.stats.contingency_tables")
multiple: Any = import_module("statsmodels.stats.multitest")
power: Any = import_module("statsmodels.stats.power")

SLOW = 40
"""Cases that spotify-confidence answers, at 50 ms each, and whose sample sizes are solved for."""


def answer(case: dict[str, Any], index: int) -> dict[str, Any]:
    found = {
        "welch": _welch(case["control"], case["treatment"]),
        "log_ratio": _welch(np.log(case["control_costs"]), np.log(case["treatment_costs"])),
        "welch_gbstats": _gbstats(case["control"], case["treatment"]),
        "log_ratio_gbstats": _gbstats(np.log(case["control_costs"]), np.log(case["treatment_costs"])),
        "paired_t": _paired(case["pairs"]),
        "cuped_gbstats": _cuped(case),
        "clustered": _clustered(case["pairs"], case["repositories"]),
        "holm": multiple.multipletests(case["ps"], method="holm")[1].tolist(),
        "benjamini_hochberg": multiple.multipletests(case["ps"], method="fdr_bh")[1].tolist(),
        "srm_gbstats": gbutils.check_srm(case["split"], case["planned"]),
        **_rates(case),
        **_power(case),
    }
    if index < SLOW:
        found["welch_spotify"] = _spotify(case["control"], case["treatment"])
        found["log_ratio_spotify"] = _spotify(np.log(case["control_costs"]), np.log(case["treatment_costs"]))
        found["means_tasks"] = power.TTestIndPower().solve_power(case["effect"], alpha=0.05, power=0.8)
        found["paired_tasks"] = power.TTestPower().solve_power(case["effect"], alpha=0.05, power=0.8)
    return found


def _welch(control: Any, treatment: Any) -> list[float]:
    """Low, high, p, degrees of freedom."""
    both = weights.CompareMeans(weights.DescrStatsW(treatment), weights.DescrStatsW(control))
    _, p, df = both.ttest_ind(usevar="unequal")
    return [*both.tconfint_diff(usevar="unequal"), p, df]


def _gbstats(control: Any, treatment: Any) -> list[float]:
    """Low, high, p. gbstats answers nothing where control's mean is 0; no input has that."""
    arms = [
        statistics.SampleMeanStatistic(n=len(v), sum=sum(v), sum_squares=_squares(v))
        for v in (control, treatment)
    ]
    test = gbstats.TwoSidedTTest(*arms, gbstats.FrequentistConfig(difference_type="absolute"))
    result = test.compute_result()
    return [*result.ci, result.p_value]


def _spotify(control: Any, treatment: Any) -> list[float]:
    frame = pd.DataFrame(
        {
            "arm": ["control", "treatment"],
            "sum": [float(sum(control)), float(sum(treatment))],
            "squares": [_squares(control), _squares(treatment)],
            "n": [len(control), len(treatment)],
        }
    )
    test = spotify.StudentsTTest(frame, "sum", "squares", "n", "arm", interval_size=0.95)
    row = test.difference("control", "treatment").iloc[0]
    return [row["ci_lower"], row["ci_upper"], row["p-value"]]


def _cuped(case: dict[str, Any]) -> list[float]:
    """Difference and standard error for the slope given: gbstats pools it differently."""
    arms = [
        statistics.RegressionAdjustedStatistic(
            n=len(y),
            post_statistic=statistics.SampleMeanStatistic(n=len(y), sum=sum(y), sum_squares=_squares(y)),
            pre_statistic=statistics.SampleMeanStatistic(n=len(x), sum=sum(x), sum_squares=_squares(x)),
            post_pre_sum_of_products=float(np.dot(x, y)),
            theta=case["slope"],
        )
        for x, y in (
            (case["control_covariate"], case["control"]),
            (case["treatment_covariate"], case["treatment"]),
        )
    ]
    return [arms[1].mean - arms[0].mean, (arms[0].variance / arms[0].n + arms[1].variance / arms[1].n) ** 0.5]


def _paired(pairs: list[list[float]]) -> list[float]:
    differences = weights.DescrStatsW([after - before for before, after in pairs])
    return [*differences.tconfint_mean(), differences.ttest_mean(0)[1]]


def _clustered(pairs: list[list[float]], repositories: list[int]) -> list[float]:
    """CR1, which is CR2 for a mean over clusters of one size."""
    differences = [after - before for before, after in pairs]
    fit = sm.OLS(differences, np.ones(len(pairs))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(repositories)}, use_t=True
    )
    return [fit.bse[0], fit.pvalues[0]]


def _rates(case: dict[str, Any]) -> dict[str, Any]:
    (x, n), (y, m) = case["control_rate"], case["treatment_rate"]
    (big_x, big_n), (big_y, big_m) = case["control_big"], case["treatment_big"]
    both, only_treatment, only_control, neither = case["table"]
    return {
        "wilson": proportion.proportion_confint(x, n, method="wilson"),
        "newcombe": proportion.confint_proportions_2indep(y, m, x, n, method="newcomb", compare="diff"),
        "score_p": proportion.proportions_chisquare([big_x, big_y], [big_n, big_m])[1],
        "mcnemar": tables.mcnemar([[both, only_treatment], [only_control, neither]], exact=True).pvalue,
    }


def _power(case: dict[str, Any]) -> dict[str, Any]:
    before, after = case["rates"]
    n, effect = case["n"], case["effect"]
    rates = proportion.power_proportions_2indep(
        after - before, before, n, alpha=0.05, alternative="two-sided"
    )
    return {
        "means_power": _two_sided(power.TTestIndPower(), effect, n),
        "means_power_one_sided": power.TTestIndPower().power(effect, n, 0.05, alternative="larger"),
        "paired_power": _two_sided(power.TTestPower(), effect, n),
        "rates_power": rates.power,
    }


def _two_sided(test: Any, effect: float, n: int) -> float:
    """Both directions by themselves: asked for both at once, statsmodels 0.15 answers NaN for a fifth of the
    cases, wherever the chance of the wrong direction underflows."""
    right = test.power(effect, n, 0.025, alternative="larger")
    wrong = test.power(effect, n, 0.025, alternative="smaller")
    return right + (0.0 if np.isnan(wrong) else wrong)


def _squares(values: Any) -> float:
    return float(sum(value**2 for value in values))


def main(inputs: str, output: str) -> None:
    cases = json.loads(Path(inputs).read_text())
    # multipletests() collects garbage at every call, which takes half a second beside all that was imported.
    gc.freeze()
    answers = [answer(case, index) for index, case in enumerate(cases)]
    Path(output).write_text(json.dumps(answers, default=float))


if __name__ == "__main__":
    main(*sys.argv[1:])
