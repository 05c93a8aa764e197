"""Addresses of repositories, issues and pull requests, and their parts. Pure: nothing is looked up.

Understood are web addresses, `ssh://`, `git://` and git's short form `user@host:path`. Who writes an address
down may have put a password into it: nothing of that part is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

Kind = Literal["repository", "issue", "pull_request"]

KNOWN_HOSTS = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "forgejo",
    "gitea.com": "gitea",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azure-devops",
}
"""Services of which everybody knows what they are."""
_KNOWN_DOMAINS = {".ghe.com": "github", ".visualstudio.com": "azure-devops", ".atlassian.net": "jira"}
_ALIASES = {
    "ssh.dev.azure.com": "dev.azure.com",
    "vs-ssh.visualstudio.com": "dev.azure.com",
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Other names of a service's host, mostly for ssh where its port is closed."""
_WEB_PORTS = {"https": 443, "http": 80}
_SCP = re.compile(
    r"(?:(?P<user>[^\s@/:]+)@)?(?P<host>[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\]):(?P<path>[^\s:].*)"
)
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Location:
    """An address before anybody knows which platform it is on."""

    host: str
    """In lower case, under its usual name; without a port."""
    port: int | None
    """Of the web server where it is not the usual one. Those of ssh say nothing about it."""
    path: tuple[str, ...]
    """Decoded segments."""
    query: tuple[tuple[str, str], ...] = ()
    git: bool = False
    """Whether only git takes it: nothing stands behind the repository's name."""

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class Address:
    """What an address names."""

    host: str
    """As in `Location.netloc`."""
    owner: str
    """As in `RepoRef`: with slashes where groups nest; `organisation/project` on Azure DevOps. Empty where
    only an issue of a tracker is named."""
    name: str
    """The repository; empty where an issue's address names none."""
    kind: Kind = "repository"
    number: str | None = None
    """Of the issue or the pull request."""

    @property
    def full_name(self) -> str:
        return "/".join(part for part in (self.owner, self.name) if part)


def locate(text: str) -> Location | None:
    """The parts of an address; None where `text` is none."""
    text = text.strip()
    if not text.isprintable():
        return None
    if "://" in text:
        return _from_url(text)
    match = _SCP.fullmatch(text)
    # Without a user it could be a platform's name before a colon: a host has a dot in it.
    if match is None or (match["user"] is None and "." not in match["host"]):
        return None
    return _located(match["host"].strip("[]"), None, match["path"].partition("?")[0], git=True)


def known_type(host: str) -> str | None:
    """The platform that a host without a port is known to be."""
    found = KNOWN_HOSTS.get(host)
    return found or next((kind for end, kind in _KNOWN_DOMAINS.items() if host.endswith(end)), None)


def _from_url(text: str) -> Location | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower().removeprefix("git+")
    if scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    if port == _WEB_PORTS.get(scheme) or scheme not in _WEB_PORTS:
        port = None
    query = parse_qs(parts.query)
    pairs = tuple((name, values[0]) for name, values in query.items())
    git = scheme not in _WEB_PORTS or parts.path.rstrip("/").endswith(".git")
    return _located(parts.hostname, port, parts.path, pairs, git=git)


def _located(
    host: str, port: int | None, path: str, query: tuple[tuple[str, str], ...] = (), *, git: bool
) -> Location | None:
    segments = tuple(unquote(segment) for segment in path.split("/") if segment)
    host = host.lower().rstrip(".")
    if not _HOST.fullmatch(host) or not all(_sound(segment) for segment in segments):
        return None
    host = _ALIASES.get(host, host).removeprefix("www.")
    return Location(host if ":" not in host else f"[{host}]", port, segments, query, git)


def _sound(segment: str) -> bool:
    """Whether it can be a name: decoding may have brought a slash, dots or worse."""
    return (
        segment not in (".", "..")
        and segment == segment.strip()
        and segment.isprintable()
        and not set(segment) & set('/\\#?:*"<>|')
    )
