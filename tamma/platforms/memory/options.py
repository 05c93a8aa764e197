"""How the memory platform is told to behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tamma.errors import ConfigError
from tamma.model.repository import CheckState


@dataclass(frozen=True, slots=True)
class Options:
    """See `MemoryPlatform`."""

    repositories: Mapping[str, str]
    issues: Mapping[str, Mapping[str, str]]
    archived: frozenset[str]
    users: frozenset[str] | None
    checks: CheckState
    runs: CheckState
    computing: int
    merges_later: int
    up_to_date: bool
    longest: int | None
    state: Path | None
    ledger: Path | None


def options_from(options: Mapping[str, object]) -> Options:
    """Raises ConfigError."""
    users = options.get("users")
    longest = _count(options, "longest")
    return Options(
        repositories=cast("Mapping[str, str]", options.get("repositories", {})),
        issues=cast("Mapping[str, Mapping[str, str]]", options.get("issues", {})),
        archived=_words(options.get("archived", ())),
        users=None if users is None else _words(users),
        checks=_state(options, "checks", CheckState.NONE),
        runs=_state(options, "runs", CheckState.PENDING),
        computing=_count(options, "computing"),
        merges_later=_count(options, "mergesLater"),
        up_to_date=bool(options.get("upToDate")),
        longest=longest or None,
        state=_path(options, "state"),
        ledger=_path(options, "ledger"),
    )


def _words(value: object) -> frozenset[str]:
    return frozenset(str(word) for word in cast("list[object]", value))


def _state(options: Mapping[str, object], name: str, usual: CheckState) -> CheckState:
    value = options.get(name, usual)
    try:
        return CheckState(str(value))
    except ValueError as error:
        raise ConfigError(
            f"options.{name} is {value!r}", hint=f"one of: {', '.join(state.value for state in CheckState)}"
        ) from error


def _count(options: Mapping[str, object], name: str) -> int:
    value = options.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"options.{name} is {value!r}", hint="give a number, 0 or more")
    return value


def _path(options: Mapping[str, object], name: str) -> Path | None:
    value = options.get(name)
    return Path(str(value)) if value else None
