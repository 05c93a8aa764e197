"""How git reaches a repository: what the settings say, over what the platform says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tamma.errors import PlatformError
from tamma.model.repository import RepoRef
from tamma.platforms.interface import GitCredentials, PlatformSettings, TokenSource

_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^:]\S*")
_SCHEMES = ("https", "http", "ssh")
_SHOWN = 200


def clone_url(settings: PlatformSettings, repo: RepoRef, *, https: str, ssh: str) -> str:
    """The configured address, else the platform's `https` or `ssh` one, as is configured.

    Raises PlatformError where the platform says one that is none of a network: git would read a local path,
    or start a helper, with our rights.
    """
    if configured := configured_clone_url(settings, repo):
        return configured
    said = ssh if settings.git_over == "ssh" else https
    if said and not is_remote(said):
        raise PlatformError(
            f"the service says that {repo.full_name} is cloned from {without_user(said)!r}, which is not "
            "its to choose",
            hint='it must be https, http or ssh, without a password; "cloneUrl" of the platform\'s entry may '
            "be another",
            platform=settings.id,
        )
    return said


async def git_credentials(settings: PlatformSettings, tokens: TokenSource, username: str) -> GitCredentials:
    """`username` goes with the token. Over ssh there is none: nothing is renewed that nobody shows."""
    over_ssh = settings.git_over == "ssh"
    return GitCredentials(
        username="" if over_ssh else username,
        token=None if over_ssh else await tokens.token(),
        ssh_key=settings.ssh_key,
        known_hosts=settings.known_hosts,
        ca_file=settings.ca_file,
        proxy=settings.proxy,
    )


def configured_clone_url(settings: PlatformSettings, repo: RepoRef) -> str:
    """The address that the account's entry gives; empty where it gives none."""
    return (settings.clone_url or "").format(owner=repo.owner, name=repo.name)


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
