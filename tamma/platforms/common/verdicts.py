"""Reviews that services refuse. Pure."""

from __future__ import annotations

from tamma.errors import Forbidden, PlatformError


def of_ones_own(error: PlatformError) -> Forbidden:
    """For a verdict on a pull request of one's own, which `error` refused."""
    return Forbidden(
        error.message,
        hint="nobody may judge a pull request of their own: review it with ReviewEvent.COMMENT, or with "
        "another account",
        platform=error.platform,
        status=error.status,
    )
