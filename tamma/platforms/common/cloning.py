"""Where a repository is cloned from: what is configured, else what its service says, as far as that may."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tamma.errors import PlatformError
from tamma.platforms.interface import PlatformSettings

_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^:]\S*")
_SCHEMES = ("https", "http", "ssh")
_SHOWN = 200


def clone_address(settings: PlatformSettings, owner: str, name: str, said: str) -> str:
    """The address to clone from. Raises PlatformError where the service says one that is none of a network:
    git would read a local path, or start a helper, with our rights."""
    if settings.clone_url:
        return settings.clone_url.format(owner=owner, name=name)
    if said and not is_remote(said):
        raise PlatformError(
            f"the service says that {owner}/{name} is cloned from {without_user(said)!r}, which is not "
            "its to choose",
            hint='it must be https, http or ssh, without a password; "cloneUrl" of the platform\'s entry may '
            "be another",
            platform=settings.id,
        )
    return said


def is_remote(url: str) -> bool:
    """Whether git would fetch it over the network, and nothing is hidden in it."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.password is None
    except ValueError:
        return False
    return (plain and not url.startswith("-")) or _SCP.fullmatch(url) is not None


def without_user(url: str) -> str:
    """For messages: short, and without what stands before the `@`."""
    return re.sub(r"(//)[^/@]*@", r"\1", url)[:_SHOWN]
