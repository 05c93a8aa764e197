"""The git command line, run so that nothing in a clone can influence it.

Hooks, filters, fsmonitor, external diff and aliases are configuration; a repository brings its own in `.git`,
and models can write one. So: our own git directory outside the work tree, no system or user configuration,
and a fixed environment. Credentials travel in the environment of the one process that needs them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tamma.platforms.interface import GitCredentials
from tamma.workspace.interface import Progress

_PASSED = (
    "PATH", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "SSH_AUTH_SOCK", "TMPDIR",
)  # fmt: skip
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.sshCommand=ssh -o BatchMode=yes",
    "credential.helper=",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_TAIL = 2000


@dataclass(frozen=True, slots=True)
class GitResult:
    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace").strip()


class GitFailed(Exception):
    """A git command failed; adapters of this turn it into the errors of the field."""

    def __init__(self, action: str, result: GitResult) -> None:
        super().__init__(
            f"git {action} failed with exit code {result.code}: {result.stderr[-_TAIL:].strip()}"
        )
        self.action = action
        self.result = result


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote's address without credentials, and the credentials."""

    url: str
    credentials: GitCredentials

    @classmethod
    def of(cls, url: str, credentials: GitCredentials) -> Remote:
        """Credentials that someone wrote into the URL are taken out of it; those given beside it win."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
            return cls(url, credentials)
        host = parts.netloc.rpartition("@")[2]
        clean = urlunsplit(parts._replace(netloc=host))
        if credentials.token is None and parts.password:
            credentials = GitCredentials(parts.username or "", parts.password)
        return cls(clean, credentials)


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one trusted directory and one work tree."""

    git_dir: Path
    tree: Path

    async def run(
        self,
        *arguments: str,
        remote: Remote | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        check: bool = True,
        progress: Progress | None = None,
    ) -> GitResult:
        """Run git. Raises GitFailed on a failure, unless `check` is False."""
        words: list[str] = []
        for setting in _SETTINGS:
            words += ["-c", setting]
        process = await _start(
            "git",
            *words,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            env=self.environment(remote) | dict(env or {}),
            cwd=self.git_dir.parent,
        )
        try:
            output, errors = await _communicate(process, stdin, progress, arguments[0])
        except BaseException:
            await _end(process)
            raise
        assert process.returncode is not None
        result = GitResult(process.returncode, output, scrub(errors.decode("utf-8", "replace"), remote))
        if check and result.code != 0:
            raise GitFailed(arguments[0], result)
        return result

    async def text(self, *arguments: str) -> str:
        """Run git and return its standard output, stripped."""
        return (await self.run(*arguments)).text

    def environment(self, remote: Remote | None = None) -> dict[str, str]:
        """The whole environment of a git process."""
        env = {name: os.environ[name] for name in _PASSED if name in os.environ}
        env |= {
            "GIT_DIR": str(self.git_dir),
            "GIT_WORK_TREE": str(self.tree),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "LC_ALL": "C.UTF-8",
            # ssh wants its known hosts; git itself reads nothing below it (see core.*File above).
            "HOME": os.path.expanduser("~") if remote is not None else "/nonexistent",
            "XDG_CONFIG_HOME": "/nonexistent",
        }
        return env | (_authorization(remote) if remote is not None else {})


async def _start(*words: str, stdin: int, env: Mapping[str, str], cwd: Path) -> asyncio.subprocess.Process:
    """Start a process, leader of its own group.

    Shielded: before Python 3.12.4 a cancellation while asyncio starts a process never returns.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *words,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill git with its helpers (git-remote-https, ssh) and wait."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _communicate(
    process: asyncio.subprocess.Process, stdin: bytes | None, progress: Progress | None, action: str
) -> tuple[bytes, bytes]:
    work = asyncio.ensure_future(process.communicate(stdin))
    try:
        while progress is not None and not work.done():
            await asyncio.wait((work,), timeout=1.0)
            if not work.done():
                progress(f"git {action} runs")
        return await work
    finally:
        work.cancel()


def _authorization(remote: Remote) -> dict[str, str]:
    """Configuration by environment: an Authorization header for this remote's origin and no other."""
    token = remote.credentials.token
    parts = urlsplit(remote.url)
    if token is None or parts.scheme not in {"http", "https"}:
        return {}
    user = remote.credentials.username or "x-access-token"
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


def scrub(text: str, remote: Remote | None) -> str:
    """`text` without the remote's token and without credentials in URLs."""
    if remote is not None and remote.credentials.token:
        text = text.replace(remote.credentials.token, "***")
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1***@", text)


# Messages of git and curl about what a second try may heal.
_PASSING = re.compile(
    r"Could not resolve host|Connection (?:refused|reset|timed out)|Operation timed out|early EOF"
    r"|unexpected disconnect|RPC failed|The requested URL returned error: (?:5\d\d|429)"
    r"|Failed to connect|TLS connection was non-properly|remote end hung up|Temporary failure",
    re.IGNORECASE,
)
_UNAUTHORIZED = re.compile(
    r"Authentication failed|could not read Username|terminal prompts disabled"
    r"|returned error: 40[13]|Permission denied \(publickey|HTTP Basic: Access denied",
    re.IGNORECASE,
)


def is_passing(stderr: str) -> bool:
    """Whether a failure of the network may pass."""
    return bool(_PASSING.search(stderr)) and not is_unauthorized(stderr)


def is_unauthorized(stderr: str) -> bool:
    """Whether the credentials are missing or not accepted."""
    return bool(_UNAUTHORIZED.search(stderr))
