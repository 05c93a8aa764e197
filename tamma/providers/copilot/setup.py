"""What the Copilot runtime is started with: where it is, its words, its environment. Pure but for `find_cli`.

It gets a home and a working folder of its own, both empty, so that no configuration, instruction, skill, MCP
server or file of this machine reaches the model. Only without a key does it see the user's `~/.copilot`:
that is where `copilot login` keeps its credential.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tamma.errors import ConfigError
from tamma.providers.common.child import environment
from tamma.providers.common.http import check_base_url
from tamma.providers.interface import ProviderSettings

TOKEN_VARIABLE = "COPILOT_SDK_AUTH_TOKEN"  # noqa: S105 - a name; the same that the SDK uses
_LOGIN_NEEDS = (
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "USER",
    "LOGNAME",
    "GH_HOST",
    "COPILOT_GH_HOST",
)
_KINDS = ("openai", "azure", "anthropic")


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model that the user brings: Copilot's runtime works for it offline, without GitHub."""

    kind: str
    base_url: str
    model: str
    wire_api: str = "completions"
    api_key: str | None = field(default=None, repr=False)


def own_model(settings: ProviderSettings, ours: Mapping[str, str]) -> OwnModel | None:
    """From the option `provider`, else from the CLI's own `COPILOT_PROVIDER_*`. Raises ConfigError."""
    option = settings.options.get("provider")
    if isinstance(option, Mapping):
        given = cast("Mapping[str, object]", option)
    elif option is not None:
        raise ConfigError(
            f"provider {settings.name!r}: the option 'provider' is not an object",
            hint='write it like {"type": "openai", "baseUrl": "https://host/v1", "model": "name"}',
        )
    else:
        names = {"baseUrl": "BASE_URL", "type": "TYPE", "wireApi": "WIRE_API", "apiKey": "API_KEY"}
        given = {ours_: ours.get(f"COPILOT_PROVIDER_{theirs}") for ours_, theirs in names.items()}
        given["model"] = ours.get("COPILOT_MODEL")
    base_url = given.get("baseUrl")
    if not base_url:
        return None
    kind = str(given.get("type") or "openai")
    model = settings.model or given.get("model")
    if kind not in _KINDS or not model:
        wrong = f"type {kind!r} is none of {', '.join(_KINDS)}" if model else "there is no model"
        raise ConfigError(
            f"provider {settings.name!r}: its own model provider is not complete: {wrong}",
            hint='set "model", and "type", "baseUrl" in the option "provider"',
        )
    check_base_url(settings, str(base_url))
    key = settings.api_key or given.get("apiKey")
    wire = str(given.get("wireApi") or "completions")
    return OwnModel(kind, str(base_url), str(model), wire, str(key) if key else None)


def find_cli(settings: ProviderSettings, ours: Mapping[str, str]) -> list[str]:
    """The command that starts the CLI: option `cliPath`, `COPILOT_CLI_PATH`, or `copilot` on PATH.

    Raises ConfigError where there is none.
    """
    named = settings.options.get("cliPath") or ours.get("COPILOT_CLI_PATH")
    found = shutil.which(str(named) if named else "copilot", path=ours.get("PATH"))
    if found is None and named and Path(str(named)).suffix == ".js" and Path(str(named)).is_file():
        found = str(named)
    if found is None:
        raise ConfigError(
            f"provider {settings.name!r}: the Copilot CLI "
            + (f"is not at {str(named)!r}" if named else "is not on PATH"),
            hint='install it (npm install -g @github/copilot), or set COPILOT_CLI_PATH or "cliPath"',
        )
    if not found.endswith(".js"):
        return [found]
    node = shutil.which("node", path=ours.get("PATH"))
    if node is None:
        raise ConfigError(
            f"provider {settings.name!r}: {found!r} needs Node.js, and there is no `node` on PATH",
            hint="install Node.js, or name the CLI's binary instead",
        )
    return [node, found]


def arguments(settings: ProviderSettings, own: OwnModel | None) -> list[str]:
    """The CLI's arguments, as the SDK itself gives them to a runtime that it starts."""
    words = ["--headless", "--no-auto-update", "--log-level", "none", "--port", "0"]
    if own is None and settings.api_key:
        words += ["--auth-token-env", TOKEN_VARIABLE]
    return [*words, "--no-auto-login"] if own or settings.api_key else words


def variables(
    settings: ProviderSettings, own: OwnModel | None, ours: Mapping[str, str], home: Path, token: str
) -> dict[str, str]:
    """The runtime's whole environment. `token` is what a connection must bring along."""
    users = Path(ours.get("HOME") or Path.home())
    made = environment(
        ours,
        HOME=str(home),
        COPILOT_HOME=str(home / ".copilot"),
        COPILOT_CONNECTION_TOKEN=token,
        COPILOT_DISABLE_KEYTAR="1",
        # The CLI unpacks itself there once (235 MB), not for every start.
        XDG_CACHE_HOME=ours.get("XDG_CACHE_HOME") or str(users / ".cache"),
    )
    if own is not None:
        made |= {
            "COPILOT_OFFLINE": "true",
            "COPILOT_PROVIDER_TYPE": own.kind,
            "COPILOT_PROVIDER_BASE_URL": own.base_url,
            "COPILOT_MODEL": own.model,
        }
    elif settings.api_key:
        made[TOKEN_VARIABLE] = settings.api_key
    else:
        del made["COPILOT_DISABLE_KEYTAR"]
        made |= {name: ours[name] for name in _LOGIN_NEEDS if name in ours}
        made |= {"HOME": str(users), "COPILOT_HOME": ours.get("COPILOT_HOME") or str(users / ".copilot")}
    return made


def session(model: str, system: str, own: OwnModel | None, limit: int | None) -> dict[str, Any]:
    """`create_session`'s arguments that need nothing of the SDK: nothing but our words and our tools.

    The client's mode `empty` turns the rest off already (memory, skills, hooks, custom instructions,
    embeddings, telemetry, host git); what it leaves to the caller stands here.
    """
    options: dict[str, Any] = {
        "streaming": True,
        "system_message": {"mode": "replace", "content": system},
        "available_tools": ["custom:*"],
        "enable_config_discovery": False,
        "mcp_servers": {},
        "infinite_sessions": {"enabled": False},  # our own compaction decides what is left out
    }
    if model:
        options["model"] = model
    if own is not None:
        provider: dict[str, Any] = {"type": own.kind, "base_url": own.base_url, "wire_api": own.wire_api}
        if own.api_key:
            provider["api_key"] = own.api_key
        if limit:
            provider["max_output_tokens"] = limit
        options["provider"] = provider
    return options
