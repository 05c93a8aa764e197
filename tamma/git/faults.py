"""What a git command said when it failed, as a kind of failure with what to do about it. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    StaleHead,
    Transient,
)
from tamma.git.fault_table import TABLE, Fault
from tamma.git.remote import Remote

_CLASSES: dict[Fault, type[PlatformError]] = {
    Fault.HOST_KEY: BadCredentials,
    Fault.SSH_KEY: BadCredentials,
    Fault.CREDENTIALS: BadCredentials,
    Fault.PROXY: BadCredentials,
    Fault.FORBIDDEN: Forbidden,
    Fault.REFUSED: Forbidden,
    Fault.OWNER: Forbidden,
    Fault.STALE: StaleHead,
    Fault.LOCKED: Transient,
    Fault.NETWORK: Transient,
    Fault.RATE_LIMIT: PlatformRateLimited,
    Fault.NOT_FOUND: NotFound,
    Fault.NO_BRANCH: NotFound,
    Fault.NO_COMMIT: NotFound,
    Fault.REDIRECT: NotFound,
    Fault.TOO_LARGE: Conflict,
}
"""The rest is a PlatformError."""

_TELLING = re.compile(
    r"(?:remote: |fatal: |error: |ERROR: |! |\S+@\S+: |ssh: |Load key|Host key|No \S+ host key)"
)
_NOISE = re.compile(
    r"Could not read from remote repository|make sure you have the correct access|^and the repository exists"
    r"|^error: failed to push some refs|^remote: ?$|^fatal: the remote end"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[^\S\n]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NOBODY_TO_ASK = re.compile(r"could not read (?:Username|Password) for '\S*': terminal prompts disabled")
_LINES, _LENGTH = 5, 600


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure. `said` is what git and the server told, on one line, without secrets."""

    fault: Fault
    said: str
    hint: str | None

    @property
    def passing(self) -> bool:
        """Whether trying again may help."""
        return issubclass(self.kind, Transient | PlatformRateLimited)

    @property
    def kind(self) -> type[PlatformError]:
        return _CLASSES.get(self.fault, PlatformError)

    def error(self, what: str) -> PlatformError:
        """As one of our errors: `what`, and what was said."""
        return self.kind(f"{what}: {self.said}" if self.said else what, hint=self.hint)


def find(output: str, remote: Remote) -> Finding:
    """What a failed git command's messages mean."""
    text = remote.scrubbed(output)
    # Names of repositories may hold any of the table's words.
    searched = text.replace(remote.url.rstrip("/"), "URL")
    said = told(_NOBODY_TO_ASK.sub("the server wants credentials that it accepts", text))
    for row in TABLE:
        if row.pattern.search(searched):
            return Finding(row.fault, said, row.hint.format_map(_words(remote)) or None)
    return Finding(Fault.UNKNOWN, said, None)


def told(text: str) -> str:
    """The lines that say something, in one, without control characters: a server may send any."""
    clean = [" ".join(line.split()) for line in _CONTROL.sub(" ", text.replace("\r", "\n")).splitlines()]
    lines = [line for line in dict.fromkeys(clean) if line and not _NOISE.search(line)]
    telling = [line for line in lines if _TELLING.match(line)] or lines
    return "; ".join(telling[:_LINES])[:_LENGTH]


def _words(remote: Remote) -> dict[str, str]:
    """What hints name."""
    credentials = remote.credentials
    port = remote.port
    host = remote.host
    known = credentials.known_hosts or "~/.ssh/known_hosts"
    target = f"-p {port} {host}" if port else host
    name = f"[{host}]:{port}" if port and port != 22 else host
    if remote.transport == "ssh":
        key = f"the key {credentials.ssh_key!r}" if credentials.ssh_key else "your ssh key"
        login = f"may {key} read and write this repository? `ssh -T` to the host says who it takes you for"
    elif credentials.token:
        login = (
            "are the account's credentials right and not expired (`tamma config show`), and may they do this?"
        )
    else:
        login = "no credentials are set for this account: give it a token (`tamma config show` lists them)"
    return {
        "learn": f"ssh-keyscan {target} >> {known}",
        "forget": f"ssh-keygen -R '{name}' -f {known}",
        "ca": credentials.ca_file or "the system's authorities",
        "key": credentials.ssh_key or "~/.ssh/id_*",
        "login": login,
    }
