"""The activities of trials and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.trial import TrialRequest, TrialResult


@dataclass(frozen=True, slots=True)
class OpenedTrial:
    """What a trial begins with. A rehearsal is over with that: `rehearsed` is its result."""

    rehearsed: TrialResult | None = None


OPEN_TRIAL: Activity[TrialRequest, OpenedTrial] = Activity("open_trial", OpenedTrial)
