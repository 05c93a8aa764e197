"""How an account is configured, where its token comes from, and how git reaches its repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """How an OAuth access token is renewed (RFC 6749, section 6)."""

    token_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AppSettings:
    """A GitHub App: its private key (PEM) makes tokens for one installation, an hour each."""

    app_id: str
    private_key: str = field(repr=False)
    installation_id: str | None = None
    """None: the App's only one, which is looked up. Where it has several, ConfigError lists them."""


class TokenSource(Protocol):
    """Where an adapter has its token from; it may change while calls are under way."""

    async def token(self) -> str | None:
        """The token to use now; None for anonymous calls. Raises BadCredentials if it cannot be renewed."""
        ...

    async def refused(self, token: str) -> bool:
        """The service refused `token`: whether there is another one now, so that asking again may help."""
        ...


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One configured account, with its secrets already resolved. Never logged: secrets are hidden."""

    id: str
    type: str
    base_url: str | None = None
    """The API's address for self-hosted servers and tests."""
    token: str | None = field(default=None, repr=False)
    username: str = ""
    """For services that take it beside the token (Basic)."""
    auth: Literal["pat", "oauth", "app", "basic", "ssh"] = "pat"
    oauth: OAuthSettings | None = None
    app: AppSettings | None = None
    tokens: TokenSource | None = field(default=None, repr=False)
    """Wins over `token` where it is given."""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Any of them is accepted, so that a secret can be changed without losing a delivery."""
    clone_url: str | None = None
    """A template for the address to clone from, `{owner}` and `{name}` filled in; for mirrors and tests."""
    git_over: Literal["https", "ssh"] = "https"
    ssh_key: str | None = None
    """Path of the private key for ssh; None: what ssh finds by itself."""
    known_hosts: str | None = None
    """Path of the known hosts for ssh; None: the user's."""
    delivery: str = "push"
    """`push`: branches arrive by git push. `api`: by the platform's data API, for tokens without push."""
    default_branch: str | None = None
    """Wins over what the platform says."""
    ca_file: str | None = None
    """Path of PEM certificates that sign the server's, beside the system's."""
    proxy: str | None = field(default=None, repr=False)
    """None: what the environment says."""
    max_concurrent: int = 10
    """Calls under way at once, from this process, to this host with these credentials."""
    timeout: float = 30.0
    """Seconds for one request."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """How git reaches the repository; handed to the child process by its environment, never by a URL."""

    username: str = ""
    """Goes with the token as HTTP Basic. Empty: `x-access-token`."""
    token: str | None = field(default=None, repr=False)
    ssh_key: str | None = None
    known_hosts: str | None = None
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
