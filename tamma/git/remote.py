"""A remote repository: its address without credentials, the credentials, texts without their secrets."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from tamma.errors import BadCredentials, ConfigError
from tamma.model.hosts import is_loopback
from tamma.platforms.interface import GitCredentials

Transport = Literal["https", "http", "ssh", "local", "other"]

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCP_FORM = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^\]/]+\]|[^/:]+):")
_SCHEMES: dict[str, Transport] = {
    "https": "https", "http": "http", "ssh": "ssh", "git+ssh": "ssh", "ssh+git": "ssh", "file": "local",
}  # fmt: skip
USERNAME = "x-access-token"
"""Goes with a token where the platform wants no name: GitHub's, and accepted by Gitea and Forgejo."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An address without credentials, which may be logged and stored, and the credentials."""

    url: str
    credentials: GitCredentials

    @classmethod
    def of(cls, url: str, credentials: GitCredentials) -> Remote:
        """Credentials that someone wrote into the URL are taken out of it; those given beside it win.

        A name alone is left out too: Bitbucket and Azure DevOps put the user's into the address that they
        show, and it need not be the one that goes with the token. Over ssh it is part of the address.
        Raises ConfigError for what is no address, and BadCredentials where a token would travel unencrypted
        to another machine.
        """
        try:
            remote = cls(*_parted(url, credentials))
            _ = remote.port
        except ValueError as error:
            raise ConfigError(f"{without_userinfo(url)!r} is no address of a repository: {error}") from error
        if remote.transport == "http" and remote.credentials.token and not is_loopback(remote.host):
            raise BadCredentials(
                f"the token is not sent to {remote.url!r}, for everyone on the way could read it",
                hint="use an https address, or ssh",
            )
        return remote

    @property
    def transport(self) -> Transport:
        """How git reaches it, by git's own rule: a colon before the first slash is ssh's short form."""
        if _HELPER.match(self.url):
            return "other"
        if "://" in self.url:
            return _SCHEMES.get(self.url.partition("://")[0].lower(), "other")
        return "ssh" if _SCP_FORM.match(self.url) else "local"

    @property
    def host(self) -> str:
        """Without a port; empty for a path."""
        if "://" in self.url:
            return urlsplit(self.url).hostname or ""
        found = _SCP_FORM.match(self.url) if self.transport == "ssh" else None
        return found["host"].strip("[]") if found else ""

    @property
    def port(self) -> int | None:
        """Where the address names one."""
        return urlsplit(self.url).port if "://" in self.url else None

    @property
    def origin(self) -> str:
        """Scheme, host and port of an http(s) address."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/"

    @property
    def authorization(self) -> str | None:
        """The value of the Authorization header (RFC 7617), where there is a token."""
        if not self.credentials.token or self.transport not in {"https", "http"}:
            return None
        pair = f"{self.credentials.username or USERNAME}:{self.credentials.token}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def scrubbed(self, text: str) -> str:
        """`text` without this remote's secrets, and without credentials in any URL."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return without_userinfo(text)

    def _secrets(self) -> Iterator[str]:
        token = self.credentials.token
        if token:
            yield from (token, quote(token, safe=""), base64.b64encode(token.encode()).decode())
        if authorization := self.authorization:
            yield authorization.partition(" ")[2]
        password = urlsplit(self.credentials.proxy or "").password
        if password:
            yield from (password, unquote(password))


def without_userinfo(text: str) -> str:
    """`text` with `***` for what stands before the @ of its URLs, but a plain user of ssh's."""
    return re.sub(r"(\w+://)(?!git@)[^/\s@]+@", r"\1***@", text)


def _parted(url: str, credentials: GitCredentials) -> tuple[str, GitCredentials]:
    parts = urlsplit(url) if "://" in url and not _HELPER.match(url) else None
    if parts is None or "@" not in parts.netloc:
        return url, credentials
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    if _SCHEMES.get(parts.scheme) == "ssh":  # ssh takes no password from an address
        return urlunsplit(parts._replace(netloc=f"{user}@{host}")), credentials
    if credentials.token is None and password:
        credentials = replace(credentials, username=unquote(user), token=unquote(password))
    return urlunsplit(parts._replace(netloc=host)), credentials
