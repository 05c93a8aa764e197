"""What is read out of reviews, and what is said back. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tamma.agents.prompting import visible
from tamma.model.repository import Review, ReviewEvent, ReviewThread

_LONGEST = 4_000
"""Characters of one comment that reach the agent."""
_LONGEST_ANSWER = 2_000
_ANSWER = re.compile(r"^\s*(?:[-*]\s*)?(?:remark\s*)?#?(\d{1,3})\s*[:.)]\s*(.*)$", re.IGNORECASE)


def unheard(reviews: Sequence[Review], heard: Collection[str], us: Collection[str]) -> tuple[Review, ...]:
    """Submitted by people who may write, with something to do in them, and not taken up before. `us` are our
    own names, in lower case.

    An approval asks for nothing, whatever kind words stand in it.
    """
    return tuple(
        review
        for review in reviews
        if review.trusted
        and review.author.lower() not in us
        and review.id not in heard
        and review.event is not ReviewEvent.APPROVE
        and review.body.strip()
    )


def open_threads(threads: Sequence[ReviewThread], us: Collection[str]) -> tuple[ReviewThread, ...]:
    """Those in which somebody who may write has the last word."""
    return tuple(
        thread
        for thread in threads
        if not thread.resolved
        and thread.comments
        and thread.comments[-1].author.lower() not in us
        and thread.comments[-1].trusted
    )


def batch_markdown(reviews: Sequence[Review], threads: Sequence[ReviewThread]) -> str:
    """The batch as the agent reads it. In a thread, what people without write access said is left out."""
    lines: list[str] = []
    for review in reviews:
        lines += [f"## {visible(review.author)} says of the whole", "", _cut(review.body), ""]
    for number, thread in enumerate(threads, 1):
        where = visible(thread.path) + (f", line {thread.line}" if thread.line is not None else "")
        lines += [f"## Remark {number}: {where}{' (outdated)' if thread.outdated else ''}", ""]
        for comment in thread.comments:
            if comment.trusted:
                lines += [f"{visible(comment.author)}: {_cut(comment.body)}", ""]
    return "\n".join(lines).strip()


def answers_of(text: str) -> dict[int, str]:
    """The agent's answers by the remarks' numbers, from lines `N: ...`; further lines belong to the last."""
    found: dict[int, list[str]] = {}
    number: int | None = None
    for line in text.splitlines():
        if match := _ANSWER.match(line):
            number = int(match[1])
            found.setdefault(number, []).append(match[2])
        elif number is not None:
            found[number].append(line)
    return {number: answer for number, lines in found.items() if (answer := "\n".join(lines).strip())}


def reply_to(answer: str, summary: str, sha: str) -> str:
    """What is written into a thread. Without an answer it says so, in place of making one up."""
    if answer:
        return f"{answer[:_LONGEST_ANSWER]}\n\n({sha[:12]})"
    return f"No answer to this remark alone; of the whole ({sha[:12]}): {summary[:_LONGEST_ANSWER]}"


def _cut(text: str) -> str:
    text = visible(text).strip()
    return (
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n[cut: {len(text) - _LONGEST} more characters]"
    )
