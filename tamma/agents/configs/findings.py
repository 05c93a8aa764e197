"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tamma.errors import ConfigError


class Severity(StrEnum):
    ERROR = "error"
    """It cannot work, or would do something else than it says."""
    WARNING = "warning"
    """It works, and probably not as meant."""
    NOTE = "note"
    """Something that could not be checked, or is only worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark, about one field (spelled as in a file)."""

    severity: Severity
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def error(field: str, message: str, hint: str = "") -> Finding:
    return Finding(Severity.ERROR, field, message, hint)


def warning(field: str, message: str, hint: str = "") -> Finding:
    return Finding(Severity.WARNING, field, message, hint)


def note(field: str, message: str, hint: str = "") -> Finding:
    return Finding(Severity.NOTE, field, message, hint)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if each.severity is Severity.ERROR)


def refuse(findings: Iterable[Finding]) -> None:
    """Raises ConfigError where one of them is an error."""
    found = errors(findings)
    if found:
        hints = dict.fromkeys(each.hint for each in found if each.hint)
        raise ConfigError(
            "the agent's configuration is wrong: " + "; ".join(map(str, found)), hint=" ".join(hints) or None
        )
