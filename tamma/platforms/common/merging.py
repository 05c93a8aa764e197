"""What a merge comes to before anybody merges. Pure."""

from __future__ import annotations

from tamma.errors import Conflict
from tamma.model.repository import MergeOutcome, MergeResult, PullRequest
from tamma.platforms.common.branches import stale


def settled(pull: PullRequest, expected_head: str, platform: str, sign: str = "#") -> MergeResult | None:
    """The result where nothing is left to do; None where it can be merged at `expected_head`.

    `platform` is the account's id, `sign` what its people write before a number. Raises Conflict where
    another head was merged, StaleHead where the head moved.
    """
    name, head = f"{sign}{pull.number}", pull.head_sha
    if pull.state == "merged":
        if head != expected_head:
            raise Conflict(
                f"{name} was merged at {head[:12]}, not at {expected_head[:12]}",
                hint="somebody pushed to the branch and merged it: look at what was merged",
                platform=platform,
            )
        return MergeResult(MergeOutcome.MERGED, pull.merge_sha)
    if pull.state == "closed":
        return MergeResult(MergeOutcome.REFUSED, None, f"{name} was closed without a merge")
    if head != expected_head:
        raise stale(f"the head of {name}", head, expected_head, platform)
    return None


def parted(message: str) -> tuple[str, str]:
    """A commit message's first line, and what follows it."""
    title, _, rest = message.partition("\n")
    return title, rest.strip("\n")
