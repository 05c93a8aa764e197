"""Texts of all kinds and lengths: nothing is lost silently, and no text is a failure."""

from __future__ import annotations

from tamma.model.repository import PullRequestSpec, Target
from tamma.platforms.interface import COMMENTS, ISSUES, PULL_REQUESTS
from tests.platforms.harness import Harness
from tests.platforms.registry import LONG_TEXTS
from tests.platforms.steps import BRANCH, branch_of_others, needs

LONG = "".join(f"{number}: grüße, 数据 🐛\n" for number in range(100_000))
"""1.9 million characters: more than any platform takes."""
LINK = "https://example.test/whole"
TEXTS = (
    "one line",
    "CRLF\r\nand LF\nand\r\n\r\nmore",
    "trailing space  \n\n",
    "<!-- a comment --> <b>html</b> &amp; entity",
    "```\n<!-- tamma:op=not-a-mark -->\n```\nafter",
    "emoji 👩‍👩‍👧 and \u200b zero width, RTL \u05d0\u05d1",
    "@octo #1 !2 $x %20 \\n {{x}} ${y}",
    "---\nfront: matter\n---",
)


def plain(text: str) -> str:
    """As far as platforms keep a text: not its line ends, nor space at its end."""
    return text.replace("\r\n", "\n").strip()


@needs(COMMENTS, ISSUES)
async def test_texts_come_back_as_they_were(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    for index, text in enumerate(TEXTS):
        await harness.platform.ensure_comment(harness.repo, target, text, f"op-{index}")
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [plain(comment.body) for comment in listed] == [plain(text) for text in TEXTS]
    before = harness.changes()
    for index, text in enumerate(TEXTS):
        await harness.platform.ensure_comment(harness.repo, target, text, f"op-{index}")
    assert harness.changes() == before


@needs(COMMENTS, ISSUES, LONG_TEXTS)
async def test_a_comment_that_is_too_long_is_shortened_and_stays_ours(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    first = await harness.platform.ensure_comment(harness.repo, target, LONG, "op-1", LINK)
    before = harness.changes()
    again = await harness.platform.ensure_comment(harness.repo, target, LONG, "op-1", LINK)
    assert first.id == again.id
    assert harness.changes() == before
    [listed] = await harness.platform.list_comments(harness.repo, target)
    assert listed.body.startswith(LONG[:1000])
    assert len(listed.body) < len(LONG)
    assert LINK in listed.body[-1000:]
    updated = await harness.platform.ensure_comment(harness.repo, target, "short", "op-1")
    assert (updated.id, updated.body) == (first.id, "short")


@needs(COMMENTS, ISSUES)
async def test_a_text_of_65_thousand_characters_is_no_failure(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    for _ in range(2):
        await harness.platform.ensure_comment(harness.repo, target, "x" * 65_000, "op-1")
    [listed] = await harness.platform.list_comments(harness.repo, target)
    assert listed.body.startswith("x" * 1000)
    assert harness.changes() == 1


@needs(PULL_REQUESTS, LONG_TEXTS)
async def test_a_description_that_is_too_long_is_shortened_and_stays_ours(harness: Harness) -> None:
    await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "t" * 1000, LONG, link=LINK)
    made = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert made.pull_request.body.startswith(LONG[:1000])
    assert LINK in made.pull_request.body[-1000:]
    assert made.pull_request.title.startswith("t" * 100)
    await harness.close_pr(made.pull_request.number)
    again = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert (again.created, again.pull_request.number) == (False, made.pull_request.number)
