"""Which issues an issue says that it depends on: "depends on #12", "blocked by #12 and #13". Pure.

Whoever opens an issue has written it. All that it can do is make that very issue wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tamma.selection.files import LONGEST_TEXT

MOST_DEPENDENCIES = 20

_ASIDE = re.compile(
    r"<!--.*?(?:-->|\Z)|^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)|`[^`\n]*`|^[ \t]*>[^\n]*",
    re.DOTALL | re.MULTILINE,
)
"""What is no statement of the author's: hints of a template, code, quotations. What is not closed reaches to
the end, as it is shown on forges: and so no text makes this slow."""
_PHRASE = re.compile(
    r"\b(?:depend(?:s|ing)?[ \t-]+(?:up)?on|dependent[ \t]+on|blocked[ \t-]+(?:by|on)"
    r"|wait(?:s|ing)?[ \t]+for)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"(?:\bnot|n['’]t|\bno longer|\bnever|\bformerly)[ \t]+(?:\w+[ \t]+)?\Z", re.IGNORECASE
)
_BETWEEN = re.compile(
    r"(?:[\s,;:&*_()\[\]+-]|\b(?:x|and|or|the|issues?|tickets?|pull requests?|prs?)\b)*", re.IGNORECASE
)
"""What stands before a reference, in a sentence or a list."""
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n[ \t]*(?![ \t\r\n*+-])")
"""An empty line that no list follows."""
_REFERENCE = re.compile(
    r"https?://[^\s/]+(?P<where>[^\s<>()\[\]]*?)(?:/-)?"
    r"/(?:issues|work_items|pull|browse)/(?P<linked>[A-Za-z0-9_-]+)[^\s,;]*"
    r"|(?P<repo>[\w./-]+)?(?:\#|\bGH-)(?P<number>\d{1,18})\b"
    r"|(?P<key>[A-Z][A-Z0-9_]+-\d{1,18})\b"
)
_KEY = re.compile(r"[A-Z][A-Z0-9_]+-\d+")


def issues_before(text: str, repo: str, number: str) -> tuple[str, ...]:
    """The issues of the same repository that the issue `number` says it depends on, as the platform names
    them, in the order of their appearance; at most `MOST_DEPENDENCIES`.

    `repo` is the repository's full name. What is said of other repositories is not looked at.
    """
    said = _ASIDE.sub(" ", text[:LONGEST_TEXT])
    keyed = bool(_KEY.fullmatch(number))
    found: dict[str, None] = {}
    for phrase in _PHRASE.finditer(said):
        if not _NEGATION.search(said, max(phrase.start() - 40, 0), phrase.start()):
            found |= dict.fromkeys(_references(said, phrase.end(), repo.casefold(), keyed=keyed))
    found.pop(number, None)
    return tuple(found)[:MOST_DEPENDENCIES]


def circle(number: str, before: Mapping[str, tuple[str, ...]]) -> str:
    """The issue that `number` depends on and that depends on `number`, if so: none of them can be first.

    `before` says of each issue which ones it depends on.
    """
    for first in before.get(number, ()):
        seen, todo = {first}, [first]
        while todo:
            for each in before.get(todo.pop(), ()):
                if each == number:
                    return first
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
    return ""


def circles(before: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Each issue that can never be first, as `circle` has it, with the one that it depends on there."""
    return ((number, other) for number in before if (other := circle(number, before)))


def depending(others: Sequence[str]) -> str:
    """What they hold up, in words."""
    named = ", ".join(f"#{each}" for each in others[:5])
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    return f"it depends on {named}{more}, which {'is' if len(others) == 1 else 'are'} open"


def _references(text: str, position: int, repo: str, *, keyed: bool) -> Iterator[str]:
    """Those that follow each other from `position` on."""
    while True:
        between = _BETWEEN.match(text, position)
        assert between is not None  # it may be empty
        match = _REFERENCE.match(text, between.end())
        if match is None or _PARAGRAPH.search(between[0]):
            return
        if name := _named(match, repo, keyed=keyed):
            yield name
        position = match.end()


def _named(match: re.Match[str], repo: str, *, keyed: bool) -> str:
    """The issue's name; empty where it is another repository's, or named as this tracker names none."""
    linked, key, number = match["linked"], match["key"], match["number"]
    if keyed:
        name = linked or key or ""
        return name if _KEY.fullmatch(name) else ""
    if linked:
        ours = f"/{match['where'].casefold().strip('/')}".endswith(f"/{repo}")
        return linked if ours and linked.isdecimal() else ""
    if number and (match["repo"] or repo).casefold() == repo:
        return number
    return ""
