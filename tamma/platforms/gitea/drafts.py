"""Drafts: to Gitea and Forgejo a pull request is one while its title begins with a certain word. Pure.

The words are the server's setting WORK_IN_PROGRESS_PREFIXES; `WIP:` and `[WIP]` unless it was changed.
"""

from __future__ import annotations

TITLE_LIMIT = 255
"""Characters of a title (the column `issue.name`)."""
PREFIX = "WIP: "
_KNOWN = ("WIP:", "[WIP]")


def split_title(title: str) -> tuple[str, str]:
    """What makes it a draft (empty where nothing does), and the rest."""
    for word in _KNOWN:
        if title[: len(word)].upper() == word:
            return title[: len(word)], title[len(word) :].lstrip()
    return "", title


def titled(title: str, *, draft: bool) -> str:
    """The title as the server wants it, at most 255 characters."""
    bare = split_title(title)[1]
    return ((PREFIX if draft else "") + bare)[:TITLE_LIMIT]
