"""A branch's history, as far as it says what became of a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit as a log shows it: no contents."""

    sha: str
    parents: tuple[str, ...]
    tree: str
    committed_at: datetime
    """When it was made: of one that was merged later, before that."""
    message: str

    @property
    def subject(self) -> str:
        """The message's first line."""
        return self.message.strip().partition("\n")[0].strip()
