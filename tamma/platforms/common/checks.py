"""One verdict from many checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.model.repository import Check, CheckState, CheckSummary


def summarise(sha: str, checks: Iterable[Check]) -> CheckSummary:
    """Any failure fails, else anything unfinished is pending, else green; nothing at all is NONE."""
    found = tuple(checks)
    states = {check.state for check in found}
    for state in (CheckState.FAILURE, CheckState.PENDING, CheckState.SUCCESS):
        if state in states:
            return CheckSummary(sha, state, found)
    return CheckSummary(sha, CheckState.NONE, found)
