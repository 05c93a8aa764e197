"""How a review's verdict stands in its note. Pure.

GitLab has approvals, and since 19.2 a reviewer's state by the API; neither has a text, an operation or a
commit. So our reviews are notes whose first line says the verdict to people and, hidden, to us.
"""

from __future__ import annotations

import re

from tamma.model.repository import ReviewEvent

_LINE = re.compile(r"\A\*\*[^*\n]+\*\* <!-- tamma:review=(\w+) sha=([0-9a-f]{7,64}) -->(?:\n+|\Z)")
_WORDS = {
    ReviewEvent.APPROVE: "Review: approved",
    ReviewEvent.REQUEST_CHANGES: "Review: changes requested",
    ReviewEvent.COMMENT: "Review",
}


def with_verdict(body: str, event: ReviewEvent, sha: str) -> str:
    """The note's text."""
    return f"**{_WORDS[event]}** <!-- tamma:review={event} sha={sha} -->\n\n{body}".rstrip()


def verdict_of(text: str | None) -> tuple[ReviewEvent, str, str] | None:
    """The verdict, the commit and the body of a note that is a review; None where it is none."""
    found = _LINE.match(text or "")
    if found is None or found[1] not in set(ReviewEvent):
        return None
    return ReviewEvent(found[1]), found[2], (text or "")[found.end() :]


def is_verdict(text: str | None) -> bool:
    return verdict_of(text) is not None
