"""The package indexes that this machine is configured for, as variables and hosts for the install phase."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from tamma.confine import base_python
from tamma.workspace.sandbox.process import Process

_URL_KEYS = {
    "index-url": "PIP_INDEX_URL",
    "extra-index-url": "PIP_EXTRA_INDEX_URL",
    "find-links": "PIP_FIND_LINKS",
}
_PIP_SECONDS = 20.0
_PIP_DEFAULTS = "from pip._internal.models.index import PyPI as p; print(p.netloc, p.file_storage_domain)"
"""pip's own defaults, asked of pip: which hosts they are is its business, not ours."""
_HOST = re.compile(r"[a-z0-9.-]+\.[a-z]{2,}(:\d+)?")
_CERTIFICATES = (
    "PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where packages come from on this machine. Addresses with credentials are left out."""

    env: Mapping[str, str]
    hosts: tuple[str, ...]
    folders: tuple[str, ...]
    """Local folders (find-links, file indexes) that the sandbox must see."""


async def configured_indexes() -> Indexes:
    """Ask pip and npm where they look: by their configuration, and by what they were built with."""
    found = read_indexes(await _say(base_python(), "-m", "pip", "config", "list"), os.environ)
    built_in = (await _say(base_python(), "-c", _PIP_DEFAULTS)).split()
    npm = shutil.which("npm")
    if npm and "npm_config_registry" not in found.env:
        built_in += _hosts((await _say(npm, "config", "get", "registry")).strip())
    return replace(found, hosts=tuple(dict.fromkeys((*found.hosts, *filter(_HOST.fullmatch, built_in)))))


async def _say(*command: str) -> str:
    """What a command prints."""
    process = Process(command, os.environ, "/", supervised=False)
    try:
        await process.wait(time.monotonic() + _PIP_SECONDS, lambda _line: None)
    finally:
        await asyncio.shield(process.end())
    output, _ = process.output.text()
    return output


def read_indexes(pip_config: str, environ: Mapping[str, str]) -> Indexes:
    """From the output of `pip config list` and the environment; folders that are absent are left out."""
    env = {name: environ[name] for name in _CERTIFICATES if name in environ}
    hosts: list[str] = []
    folders: list[str] = []
    values: dict[str, list[str]] = {}
    for line in pip_config.splitlines():
        key, separator, quoted = line.partition("=")
        name = key.rpartition(".")[2]
        if separator and name in {*_URL_KEYS, "trusted-host"}:
            values.setdefault(name, []).extend(_unquoted(quoted).split())
    registry = environ.get("npm_config_registry") or environ.get("NPM_CONFIG_REGISTRY")
    if registry and not _has_credentials(registry):
        env["npm_config_registry"] = registry
        hosts += _hosts(registry)
    for name, variable in _URL_KEYS.items():
        usable = [url for url in dict.fromkeys(values.get(name, [])) if not _has_credentials(url)]
        if usable:
            env[variable] = " ".join(usable)
        for url in usable:
            hosts += _hosts(url)
            folders += _folders(url)
    if trusted := values.get("trusted-host"):
        env["PIP_TRUSTED_HOST"] = " ".join(dict.fromkeys(trusted))
    return Indexes(
        env,
        tuple(dict.fromkeys(hosts)),
        tuple(path for path in dict.fromkeys(folders) if os.path.exists(path)),
    )


def _unquoted(text: str) -> str:
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str) else text


def _has_credentials(url: str) -> bool:
    return "@" in urlsplit(url).netloc


def _hosts(url: str) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return []
    return [f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname]


def _folders(url: str) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return [unquote(parts.path)]
    return [url] if url.startswith("/") else []
