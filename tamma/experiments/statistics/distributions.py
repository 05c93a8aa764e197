"""The few distributions that the tests need, as typed functions of floats.

scipy has no type information: this is the one place that says what its functions return. `scipy.special`
alone is loaded here, in a tenth of the time of `scipy.stats`.
"""

from __future__ import annotations

import math
from typing import Any, cast

from numpy.typing import NDArray
from scipy import special as _untyped

_special = cast(Any, _untyped)


def normal_cdf(z: float) -> float:
    return float(_special.ndtr(z))


def normal_quantile(share: float) -> float:
    return float(_special.ndtri(share))


def student_two_sided(t: float, df: float) -> float:
    """P(|T| >= |t|)."""
    return min(1.0, 2.0 * float(_special.stdtr(df, -abs(t))))


def student_above(t: float, df: float) -> float:
    """P(T >= t)."""
    return float(_special.stdtr(df, -t))


def student_quantile(share: float, df: float) -> float:
    return float(_special.stdtrit(df, share))


def chi_square_above(statistic: float, df: float) -> float:
    return float(_special.chdtrc(df, statistic))


def binomial_at_most(k: int, n: int, share: float) -> float:
    return float(_special.bdtr(k, n, share))


def log_binomials(n: int) -> NDArray[Any]:
    """ln C(n, k) for k = 0..n, shape (n + 1,)."""
    import numpy as np

    k = np.arange(n + 1)
    return _special.gammaln(n + 1) - _special.gammaln(k + 1) - _special.gammaln(n - k + 1)


def hedges_correction(df: float) -> float:
    """The exact small-sample factor J of Hedges (1981), about 1 - 3 / (4 df - 1)."""
    return math.exp(float(_special.gammaln(df / 2) - _special.gammaln((df - 1) / 2))) / math.sqrt(df / 2)


def noncentral_student_cdf(t: float, df: float, noncentrality: float) -> float:
    """P(T <= t) of the noncentral t distribution."""
    share = float(_special.nctdtr(df, noncentrality, t))
    # scipy answers NaN where the probability underflows, far below the noncentrality, and only there.
    return 0.0 if math.isnan(share) else share
