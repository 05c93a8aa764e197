"""The comment that shows a suggestion. Pure."""

from __future__ import annotations

from collections.abc import Callable

from activities.interface.suggesting import Suggest
from activities.words import tested
from tamma.model.commands import harmless
from tamma.model.wording import fence_for

MOST_OF_A_PATCH = 24_000
"""Characters of a patch in a comment: Jira takes 32,767 of text and patch together, GitHub 65,536."""
_BINARY = b"\nGIT binary patch\n"


def suggestion_comment(
    given: Suggest, patch: bytes, readable: bytes, *, hidden: Callable[[str], str] = lambda text: text
) -> str:
    """What is suggested, how it was tested, how to take it over, and the patch where it is short enough.

    `readable` is shown in its place where it holds binary files. `hidden` takes secrets out of a text: a
    patch that is shown with less than it holds says so.
    """
    changed = given.patch
    files = "file" if changed.files_total == 1 else "files"
    size = f"{changed.files_total} {files}, +{changed.added} -{changed.removed}"
    lines = [
        f"**Suggested change**: {size}, on `{changed.base_sha[:12]}`. Nothing was pushed.",
        "",
        harmless(given.summary.strip()) or "(the agent gave no summary)",
        "",
        *tested(given.red_test, given.tests, given.gates, given.sandbox_tier),
        "",
        "To take it over, where your branch is:",
        "",
        "```sh",
        f"tamma patch {given.task_id} > suggestion.patch",
        "git apply --3way suggestion.patch",
        "```",
    ]
    if given.review:
        lines += ["", f"Review: {harmless(given.review)}"]
    if given.notes:
        lines += ["", *(f"- {harmless(note)}" for note in given.notes)]
    return "\n".join([*lines, "", *_folded(given, patch, readable, hidden)])


def _folded(given: Suggest, patch: bytes, readable: bytes, hidden: Callable[[str], str]) -> list[str]:
    binary = _BINARY in patch
    text = (readable if binary else patch).decode("utf-8", "replace")
    shown = hidden(text)
    if len(shown) > MOST_OF_A_PATCH:
        named = ", ".join(f"`{path.replace('`', '')}`" for path in given.patch.files[:20])
        more = given.patch.files_total - len(given.patch.files[:20])
        return [
            f"The patch has {given.patch.size:,} bytes, too many for a comment. It changes {named}"
            + (f" and {more} more." if more > 0 else ".")
        ]
    fence = fence_for(shown)
    lines = ["<details><summary>The patch</summary>", ""]
    if binary or shown != text or text.encode() != (readable if binary else patch):
        lines += ["For reading only: not all that it holds can be shown here.", ""]
    return [*lines, f"{fence}diff", shown.rstrip("\n"), fence, "", "</details>"]
