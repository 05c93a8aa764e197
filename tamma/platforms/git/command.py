"""The git command, for what pygit2 lacks: work trees with filters, and remote repositories. Blocking."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from tamma.errors import BadCredentials, NotFound, PlatformError, StaleHead, Transient

_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Set inside a Git hook: they would point our commands at another repository."""

_REMOTE_FAILURES: tuple[tuple[str, type[PlatformError], str], ...] = (
    (
        r"authentication failed|could not read (user|pass)|permission denied|error: 40[13]|host key verif",
        BadCredentials,
        "check the token (or the SSH key) and that it may read and write this repository",
    ),
    (
        r"repository .*not found|does not exist|does not appear to be a git repo|not exported|error: 404",
        NotFound,
        "check the address",
    ),
    (r"stale info|rejected|fetch first|non-fast-forward", StaleHead, "somebody pushed meanwhile: try again"),
    (
        r"could not resolve host|connection|timed out|early eof|rpc failed|error: 5\d\d|hung up|disconnect",
        Transient,
        "the network or the server failed: it is tried again",
    ),
)


def run_git(
    *arguments: str,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    input_: bytes | None = None,
    timeout: float = 300.0,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run git without prompts and with plain messages. Raises PlatformError, Transient (no answer)."""
    environment = {key: value for key, value in os.environ.items() if key not in _INHERITED}
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(env or {})}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=environment,
            input=b"" if input_ is None else input_,
            capture_output=True,
            timeout=timeout,
            pass_fds=tuple(pass_fds),
            check=False,
        )
    except FileNotFoundError as error:
        raise PlatformError("the git command is missing", hint="install git") from error
    except subprocess.TimeoutExpired as error:
        raise Transient(f"git {arguments[0]} took longer than {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise PlatformError(f"git {arguments[0]} failed: {_text(done.stderr)}")
    return done


def run_remote(url: str, *arguments: str, token: str | None, cwd: str, timeout: float = 300.0) -> bytes:
    """Run a git command that talks to `url`; its output. Raises the errors of `remote_error`."""
    done = run_git(*arguments, cwd=cwd, env=credentials_env(url, token), check=False, timeout=timeout)
    if done.returncode != 0:
        raise remote_error(_text(done.stderr), url)
    return done.stdout


def credentials_env(url: str, token: str | None) -> dict[str, str]:
    """Environment that gives git the token for this host alone; nothing shows in a URL or process list."""
    parts = urlsplit(url)
    if not token or parts.scheme not in ("https", "http"):
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


def remote_error(stderr: str, url: str) -> PlatformError:
    """What git said about a remote, as one of our errors. Pure."""
    for pattern, error, hint in _REMOTE_FAILURES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return error(f"{url!r}: {stderr}", hint=hint)
    return PlatformError(f"git failed for {url!r}: {stderr}")


def _text(stderr: bytes) -> str:
    """The message in one line; userinfo of a URL is never repeated."""
    text = " ".join(stderr.decode(errors="replace").split())
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)[-500:]
