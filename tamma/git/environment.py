"""The whole environment of a git process: nothing of the user's configuration, one remote's credentials.

A token is configuration by environment (`GIT_CONFIG_*`), so that it is in no command line, URL or file. Only
git and its own helper for https inherit it: ssh is started for remotes that have no token.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from tamma.git.remote import Remote
from tamma.platforms.interface import GitCredentials

SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "credential.helper=",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    # The header with the token goes along to wherever git follows: so it follows nowhere.
    "http.followRedirects=false",
    "http.sslVerify=true",
    "http.sslVersion=tlsv1.2",  # or newer
    # A server that sends nothing at all, not even the keep-alive of git's protocol, has gone.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=300",
)
"""For every git process that works on a directory of ours."""

_PASSED = ("PATH", "TMPDIR")
_PROXIES = (
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
)  # fmt: skip
_CERTIFICATES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")
_AGENT = "SSH_AUTH_SOCK"
_FIXED = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # nobody is asked, and no program instead
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C.UTF-8",
    # No configuration and no ~/.netrc, which curl would read.
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
}
_OFFLINE = {
    # A command without a remote must not begin to fetch what a partial clone left out: it would do so
    # without credentials, and with the clock of a command that should take milliseconds. The first variable
    # is for git 2.44 and newer, the second stops every version at its first step.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}


def environment(remote: Remote | None = None) -> dict[str, str]:
    """The whole environment; with `remote`, what reaches that one and no other."""
    if remote is None:
        return {**_inherited(_PASSED), **_FIXED, **_OFFLINE}
    env = {**_inherited(_PASSED), **_FIXED}
    match remote.transport:
        case "https" | "http" as transport:
            return env | {"GIT_ALLOW_PROTOCOL": transport} | _http(remote)
        case "ssh":
            return env | {"GIT_ALLOW_PROTOCOL": "ssh"} | _ssh(remote.credentials)
        case _:
            return env | {"GIT_ALLOW_PROTOCOL": "file"}


def _http(remote: Remote) -> dict[str, str]:
    credentials = remote.credentials
    env = _inherited(_CERTIFICATES)
    settings: list[tuple[str, str]] = []
    if authorization := remote.authorization:
        settings.append((f"http.{remote.origin}.extraHeader", f"Authorization: {authorization}"))
    if credentials.ca_file:
        env["GIT_SSL_CAINFO"] = credentials.ca_file  # wins over http.sslCAInfo, from wherever that comes
    if credentials.proxy:
        settings.append(("http.proxy", credentials.proxy))  # the environment's exceptions are for its own
    else:
        env |= _inherited(_PROXIES)
    return env | _configuration(settings)


def _ssh(credentials: GitCredentials) -> dict[str, str]:
    home = {"HOME": os.path.expanduser("~")}  # what a ProxyCommand of the user's may want
    return (
        _inherited((_AGENT,)) | home | {"GIT_SSH_COMMAND": ssh_command(credentials), "GIT_SSH_VARIANT": "ssh"}
    )


def ssh_command(credentials: GitCredentials) -> str:
    """The command line of ssh, for a shell. The user's own ssh configuration holds for what it leaves open.

    It asks nothing, believes no host that it does not know, and lends the other side neither an agent nor a
    port. With a key, no other key is offered: servers end a connection that tries too many.
    """
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ControlPath": "none",
        "ConnectTimeout": "30",
        "ServerAliveInterval": "30",
        "ServerAliveCountMax": "4",
    }
    if credentials.ssh_key:
        options |= {"IdentitiesOnly": "yes", "IdentityFile": _path(credentials.ssh_key)}
    if credentials.known_hosts:
        options |= {"UserKnownHostsFile": _path(credentials.known_hosts), "GlobalKnownHostsFile": "/dev/null"}
    words = ["ssh"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)


def _path(path: str) -> str:
    """As ssh's configuration takes it: quoted, and with no percent sign that means something."""
    absolute = os.path.abspath(os.path.expanduser(path))
    return '"' + absolute.replace("%", "%%").replace('"', '\\"') + '"'


def _configuration(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    env: dict[str, str] = {}
    for number, (key, value) in enumerate(settings):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        env["GIT_CONFIG_COUNT"] = str(number + 1)
    return env


def _inherited(names: Iterable[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
