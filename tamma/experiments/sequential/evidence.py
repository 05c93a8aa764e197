"""Paired successes, looked at as often as one likes: an exact e-value.

Of the pairs in which one arm succeeded and the other failed, each is won with probability one half where the
arms are alike. The e-value is the likelihood of the wins under a uniform prior on that probability, over the
likelihood under one half: a test martingale, so that the chance that it ever reaches 1/alpha is at most
alpha (Ville 1939; Grünwald, de Heide & Koolen 2024). Nothing is asymptotic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tamma.errors import BadFigures
from tamma.experiments.sequential.normal import root

_MOST_LOG = 700.0
"""exp of more is no float."""


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """What the discordant pairs say so far; right at every look at once."""

    wins: int
    losses: int
    e: float
    """At least 1/alpha: the arms differ. Capped at exp(700)."""
    p: float
    """1/e, at most 1."""
    low: float
    high: float
    """The interval for the chance that a discordant pair is won; 0.5 is no difference."""
    rejects: bool


def log_e(wins: int, losses: int, chance: float = 0.5) -> float:
    """The logarithm of the e-value against the hypothesis that a discordant pair is won with `chance`.

    For one half: m log 2 + log B(1 + wins, 1 + losses), m being their sum. Raises BadFigures for negative
    counts and for a chance that is not between 0 and 1.
    """
    if wins < 0 or losses < 0:
        raise BadFigures(f"{wins!r} wins and {losses!r} losses: counts are never negative")
    if not 0.0 < chance < 1.0:
        raise BadFigures(f"a chance of {chance!r} is not between 0 and 1")
    beta = math.lgamma(1 + wins) + math.lgamma(1 + losses) - math.lgamma(2 + wins + losses)
    return beta - wins * math.log(chance) - losses * math.log1p(-chance)


def paired_evidence(wins: int, losses: int, *, alpha: float = 0.05) -> PairedEvidence:
    """The e-value, its p and the interval of the chance to win. Raises BadFigures for negative counts."""
    strength = log_e(wins, losses)
    threshold = -math.log(alpha)
    return PairedEvidence(
        wins,
        losses,
        math.exp(min(strength, _MOST_LOG)),
        math.exp(-min(max(strength, 0.0), _MOST_LOG)),
        _end(wins, losses, threshold, 0.0),
        _end(wins, losses, threshold, 1.0),
        strength >= threshold,
    )


def _end(wins: int, losses: int, threshold: float, edge: float) -> float:
    """Where the e-value reaches the threshold, from what was seen towards an edge of [0, 1]; or the edge."""
    total = wins + losses
    seen = wins / total if total else 0.5
    if seen == edge or total == 0:
        return edge
    near_edge = abs(edge - 1e-12)
    inside = min(max(seen, 1e-9), 1 - 1e-9)
    if log_e(wins, losses, near_edge) < threshold or log_e(wins, losses, inside) >= threshold:
        return edge
    low, high = sorted((near_edge, inside))
    return root(lambda chance: log_e(wins, losses, chance) - threshold, low, high, within=1e-12)
