"""Which words on a platform are our own: an answer to them would be a talk with ourselves."""

from __future__ import annotations

from tamma.platforms.interface import Platform
from tamma.platforms.tracked import Tracked


async def our_names(platform: Platform) -> frozenset[str]:
    """The names under which we write, in lower case: what stands under them, a model may have written.

    Two where the issues are another platform's. Raises what `check_credentials` raises.
    """
    accounts = [platform, platform.tracker] if isinstance(platform, Tracked) else [platform]
    return frozenset([(await account.check_credentials()).login.lower() for account in accounts])
