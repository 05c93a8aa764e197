"""What a merge comes to: before anybody merges, and after one failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tamma.errors import Conflict, PlatformError, Transient
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


async def look_again(
    look: Callable[[], Awaitable[MergeResult | None]],
    error: PlatformError,
    *,
    kinds: tuple[type[PlatformError], ...] = (),
    statuses: tuple[int, ...] = (),
) -> MergeResult | None:
    """After a merge failed with `error`: what `look` finds, for it may have happened (a lost answer); None
    where it was refused.

    Conflicts, `kinds` and `statuses` are refusals, or say that the head moved; anything else is raised as it
    is. So is what may pass: where nothing was found, and where nobody could look.
    """
    if not (isinstance(error, (Transient, Conflict, *kinds)) or error.status in statuses):
        raise error
    try:
        done = await look()
    except Transient:
        if isinstance(error, Transient):
            raise error from None
        raise
    if done is None and isinstance(error, Transient):
        raise error
    return done


def parted(message: str) -> tuple[str, str]:
    """A commit message's first line, and what follows it."""
    title, _, rest = message.partition("\n")
    return title, rest.strip("\n")
