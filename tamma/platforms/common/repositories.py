"""How git reaches a repository: what the settings say, over what the platform says."""

from __future__ import annotations

from tamma.model.repository import RepoRef
from tamma.platforms.interface import GitCredentials, PlatformSettings, TokenSource


def clone_url(settings: PlatformSettings, repo: RepoRef, *, https: str, ssh: str) -> str:
    """The configured address, else the platform's `https` or `ssh` one, as is configured."""
    if settings.clone_url:
        return settings.clone_url.format(owner=repo.owner, name=repo.name)
    return ssh if settings.git_over == "ssh" else https


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
