"""What the gates found in a change, in lines for the agent and for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

_PLACE = " (line "


class Finding(Protocol):
    """As the diff policy's."""

    @property
    def path(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def line(self) -> int: ...


def told(finding: Finding) -> str:
    """`tests/test_a.py: what is wrong (line 3)`."""
    place = f"{_PLACE}{finding.line})" if finding.line else ""
    return f"{finding.path}: {finding.detail}{place}"


def open_ones(findings: Iterable[str], agreed: Iterable[str]) -> tuple[str, ...]:
    """Those that nobody has agreed to. Where in its file one stands does not matter: that moves."""
    known = {_placeless(one) for one in agreed}
    return tuple(one for one in findings if _placeless(one) not in known)


def _placeless(told: str) -> str:
    return told.rpartition(_PLACE)[0] or told
