"""What agents may be called, and how a version of one is named: `reviewer@3`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tamma.errors import ConfigError
from tamma.model.agent_form import nearest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class AgentRef:
    """An agent by its name or id, and one of its versions. None: the active one, or the newest."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


def parse_ref(text: str) -> AgentRef:
    """`reviewer` or `reviewer@3`. Raises ConfigError."""
    name, at, version = text.strip().partition("@")
    if not name or (at and not version.isdecimal()) or (at and int(version) < 1):
        raise ConfigError(f"{text!r} names no agent", hint="write NAME, or NAME@3 for its version 3")
    return AgentRef(name, int(version) if at else None)


def check_name(name: str) -> str:
    """A new agent's name. Raises ConfigError."""
    if _ID.fullmatch(name):
        raise ConfigError(f"{name!r} looks like an agent's id", hint="take a name that people can say")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"an agent cannot be called {name!r}",
            hint="use letters, digits, dots, hyphens, underscores, at most 63, the first a letter or digit",
        )
    return name


def unknown(ref: AgentRef, names: Iterable[str]) -> ConfigError:
    """That there is no such agent, with the name that was probably meant."""
    return ConfigError(f"there is no agent {ref.name!r}", hint=nearest(ref.name, tuple(names)))
