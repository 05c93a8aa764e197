"""Accounts that the usual variables of each platform's own tools are enough for.

A token is only ever meant for one host: where a variable names another server (`GITLAB_HOST`), the token
beside it goes to that server and to no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Usual:
    """The variables of one platform, the first that is set counts."""

    type: str
    tokens: tuple[str, ...]
    host: str = ""
    """Where there is no variable for it; empty: the account needs one."""
    servers: tuple[str, ...] = ()
    """Variables that name another server, as a host or an address."""
    path: str = ""
    """Of the API below such a server's address."""
    users: tuple[str, ...] = ()
    """Variables that make it Basic authentication."""


USUAL = (
    Usual("github", ("GITHUB_TOKEN", "GH_TOKEN"), "github.com"),
    Usual("github", ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"), servers=("GH_HOST",), path="/api/v3"),
    Usual("gitlab", ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN"), "gitlab.com", ("GITLAB_HOST", "GITLAB_URI")),
    Usual("gitea", ("GITEA_SERVER_TOKEN", "GITEA_TOKEN"), servers=("GITEA_SERVER_URL",)),
    Usual("forgejo", ("FORGEJO_TOKEN",), servers=("FORGEJO_URL",)),
    Usual("forgejo", ("CODEBERG_TOKEN",), "codeberg.org"),
    Usual(
        "bitbucket", ("BITBUCKET_TOKEN",), "bitbucket.org", users=("BITBUCKET_EMAIL", "BITBUCKET_USERNAME")
    ),
    Usual("azure-devops", ("AZURE_DEVOPS_TOKEN", "AZURE_DEVOPS_EXT_PAT"), "dev.azure.com"),
)
_PUBLIC = frozenset(usual.host for usual in USUAL if usual.host)
SERVER_VARIABLES = frozenset(name for usual in USUAL for name in usual.servers)
"""No secrets, and yet part of the configuration: without them a token would go elsewhere."""


def usual_accounts(env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Entries of `platforms.available` for the variables that are set."""
    for usual in USUAL:
        token = _first_set(usual.tokens, env)
        server = _first_set(usual.servers, env)
        address = _address(env[server]) if server else None
        host = urlsplit(address).netloc.lower() if address else usual.host
        if token is None or not host:
            continue
        if usual.path and host in _PUBLIC:
            continue  # `GH_HOST=github.com`: its token is for servers of one's own
        credentials = {"accessToken": f"env:{token}"}
        entry: dict[str, Any] = {"platformId": host, "platformType": usual.type, "credentials": credentials}
        if address and host != usual.host:
            entry["baseUrl"] = address + usual.path
        if user := _first_set(usual.users, env):
            entry["authType"] = "basic"
            credentials["username"] = f"env:{user}"
        yield entry


def _first_set(names: tuple[str, ...], env: Mapping[str, str]) -> str | None:
    return next((name for name in names if env.get(name)), None)


def _address(given: str) -> str | None:
    """`https://HOST[:PORT][/PATH]`, from that or from a bare host; None for what is neither or has a user."""
    given = given.strip()
    try:
        parts = urlsplit((given if "://" in given else f"https://{given}").rstrip("/"))
        usable = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        return None
    return parts.geturl() if usable else None
