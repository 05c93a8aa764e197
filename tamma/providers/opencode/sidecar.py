"""`opencode serve` as a process of ours: what it is told, and its start and end.

OpenCode is an agent. Here it only passes prompts on: every tool and permission is denied, and it gets a home
of its own, so that no configuration, plugin, skill or file of this machine reaches the model. It needs
450-860 MB of memory and some seconds to start.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import structlog

from tamma.errors import ConfigError, ProviderUnreachable
from tamma.providers.common.child import Child, environment
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import ProviderSettings

STARTUP = 90.0
"""Seconds. It takes four on an idle machine."""
AGENT = "tamma"
"""Our agent in it: one without a prompt and without tools."""
_LISTENS = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
_OFF = (
    "OPENCODE_DISABLE_AUTOUPDATE",
    "OPENCODE_DISABLE_MODELS_FETCH",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS",
    "OPENCODE_DISABLE_LSP_DOWNLOAD",
    "OPENCODE_DISABLE_PROJECT_CONFIG",
    "OPENCODE_DISABLE_CLAUDE_CODE",
    "OPENCODE_DISABLE_EXTERNAL_SKILLS",
    "OPENCODE_DISABLE_EMBEDDED_WEB_UI",
    "OPENCODE_DISABLE_SHARE",
    "OPENCODE_DISABLE_AUTOCOMPACT",
    "OPENCODE_DISABLE_PRUNE",
)
_log = structlog.get_logger(__name__)


def find_binary(settings: ProviderSettings, ours: Mapping[str, str]) -> str:
    """The option `binary`, or `opencode` on PATH. Raises ConfigError where there is none."""
    named = settings.options.get("binary")
    found = shutil.which(str(named) if named else "opencode", path=ours.get("PATH"))
    if found is None:
        where = f"is not at {str(named)!r}" if named else "is not on PATH"
        raise ConfigError(
            f"provider {settings.name!r}: OpenCode {where}",
            hint='install it (npm install -g opencode-ai), name it in the option "binary", '
            'or set "baseUrl" to a running `opencode serve`',
        )
    return found


def configuration(settings: ProviderSettings) -> dict[str, Any]:
    """The `opencode.json` of the sidecar: the user's providers below our denials. Raises ConfigError.

    The option `config` may bring `provider` definitions; the API key goes to the provider of `model`.
    """
    given = settings.options.get("config", {})
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"provider {settings.name!r}: the option 'config' is not an object",
            hint='write it like opencode.json: {"provider": {"name": {"options": {"baseURL": "…"}}}}',
        )
    config = cast("Mapping[str, Any]", given)
    providers: dict[str, Any] = dict(config.get("provider") or {})
    name = (settings.model or "").partition("/")[0]
    if name and settings.api_key:
        known = dict(providers.get(name) or {})
        providers[name] = {**known, "options": {**(known.get("options") or {}), "apiKey": settings.api_key}}
    denied = {"permission": {"*": "deny"}, "tools": {"*": False}}
    enabled = sorted({*providers, *([name] if name else [])})
    return {
        "provider": providers,
        **({"enabled_providers": enabled} if enabled else {}),
        **({"model": settings.model, "small_model": settings.model} if name else {}),
        **denied,
        "default_agent": AGENT,
        # A blank prompt keeps OpenCode's own out; an empty one would not.
        "agent": {AGENT: {"mode": "primary", "prompt": " ", **denied}, "title": {"disable": True}},
        "autoupdate": False,
        "share": "disabled",
        "snapshot": False,
        "lsp": False,
        "formatter": False,
        "compaction": {"auto": False, "prune": False},
        "instructions": [],
        "mcp": {},
        "plugin": [],
    }


def variables(
    settings: ProviderSettings, ours: Mapping[str, str], home: Path, password: str
) -> dict[str, str]:
    """The sidecar's whole environment. The password stands here and never in the arguments."""
    return environment(
        ours,
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / "config"),
        XDG_DATA_HOME=str(home / "data"),
        XDG_STATE_HOME=str(home / "state"),
        XDG_CACHE_HOME=str(home / "cache"),
        OPENCODE_SERVER_PASSWORD=password,
        OPENCODE_CONFIG_CONTENT=json.dumps(configuration(settings)),
        **dict.fromkeys(_OFF, "1"),
    )


class Sidecar:
    """A running server. Made by `start_sidecar`."""

    def __init__(self, child: Child, url: str, password: str, folder: Path) -> None:
        self.child = child
        self.url = url
        self.password = password
        self._folder = folder

    async def stop(self) -> None:
        """End the process and remove its folder. Idempotent."""
        await self.child.stop()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


async def start_sidecar(settings: ProviderSettings, binary: str, context: CallContext) -> Sidecar:
    """Start it and wait until it listens. Raises ProviderUnreachable, or TimeoutError after `STARTUP` s."""
    folder = Path(tempfile.mkdtemp(prefix="tamma-opencode-"))
    password = secrets.token_urlsafe(32)
    child: Child | None = None
    try:
        home, work = folder / "home", folder / "work"
        _furnish(home)
        work.mkdir()
        child = Child(
            [binary, "serve", "--pure", "--hostname", "127.0.0.1", "--port", "0"],
            env=variables(settings, os.environ, home, password),
            cwd=work,
        )
        found = await child.says(_LISTENS, STARTUP)
    except BaseException:
        if child is not None:
            await child.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sidecar = Sidecar(child, found[1] if found else "", password, folder)
    if found is None:
        await sidecar.stop()
        raise context.error(ProviderUnreachable, f"OpenCode ended while it started: {child.output.strip()}")
    _log.debug("OpenCode runs", provider=settings.name, pid=child.pid, url=sidecar.url)
    return sidecar


def _furnish(home: Path) -> None:
    """A home in which OpenCode does not install its plugin package from the npm registry: one that looks as
    if it were there. No plugin is loaded (`--pure`)."""
    config = home / "config" / "opencode"
    (config / "node_modules").mkdir(parents=True)
    lock = {"lockfileVersion": 3, "packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}}
    (config / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
