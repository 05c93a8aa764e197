"""What an order for a run says of a repository. A submission needs this much of `repository`, and no more:
making its two dozen dataclasses takes 5 % of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PLAIN_GIT: Final = "plain-git"
"""The type of a repository that is on no forge, and the id of its built-in account."""


@dataclass(frozen=True, slots=True)
class RepoRef:
    """Where a repository is: `owner/name` on a platform, or a local path or URL on plain Git.

    `owner` may hold slashes (nested groups). On plain Git it is empty and `name` is the path or URL.
    """

    platform_id: str
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}" if self.owner else self.name


MergeMethod = Literal["merge", "squash", "rebase"]
