"""Noise on whole numbers: the discrete Laplace distribution, sampled exactly.

Not the continuous one: floating-point numbers of its samples give away what was hidden (Mironov 2012).
"""

from __future__ import annotations

import random
from fractions import Fraction

System = random.Random
"""What is drawn from; `random.SystemRandom()` outside of tests, so that nobody can draw the same again."""


def discrete_laplace(scale: Fraction, source: System) -> int:
    """A whole number x with a probability proportional to exp(-|x| / scale): Canonne, Kamath & Steinke
    (2020), algorithm 2. `scale` must be above 0. Only whole numbers are compared, so it is exact."""
    t, s = scale.numerator, scale.denominator
    while True:
        remainder = source.randrange(t)
        if not _with_exp(Fraction(remainder, t), source):
            continue
        whole = 0
        while _with_exp(Fraction(1), source):
            whole += 1
        size = (remainder + t * whole) // s
        negative = source.randrange(2) == 1
        if negative and not size:
            continue  # zero would be drawn twice as often
        return -size if negative else size


def _with_exp(gamma: Fraction, source: System) -> bool:
    """True with the probability exp(-gamma), for gamma from 0 to 1 (algorithm 1 there)."""
    k = 1
    while source.randrange(gamma.denominator * k) < gamma.numerator:
        k += 1
    return k % 2 == 1
