"""From configuration to what adapters, clients and the stack take: secrets are resolved here, late."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from tamma.config.built_in_platforms import SERVER_VARIABLES
from tamma.config.fingerprint import fingerprint
from tamma.config.load import LoadedConfig
from tamma.config.platform_settings import platform_entry as platform_entry
from tamma.config.platform_settings import platform_references
from tamma.config.platform_settings import settings_for_platform as settings_for_platform
from tamma.config.secrets import env_name, is_reference, resolve_secret
from tamma.errors import AuthFailed, ConfigError
from tamma.stack.interface import StackRequest, WorkerSpec

if TYPE_CHECKING:
    from tamma.config.schema import PriceConfig, ProviderConfig, TlsConfig
    from tamma.providers.interface import Price, ProviderSettings
    from tamma.providers.routing.chain import Routes
    from tamma.toolservers.interface import ToolServers

NEEDS_KEY = frozenset({"anthropic-claude", "openai", "gemini", "openrouter", "zai"})
"""Types of providers that are of no use without a key."""


@dataclass(frozen=True, slots=True)
class TemporalSettings:
    """How to reach Temporal; `address` None means the embedded server."""

    address: str | None
    namespace: str
    api_key: str | None = field(default=None, repr=False)
    tls: bool | TlsConfig | None = None


def settings_for_provider(loaded: LoadedConfig, name: str | None = None) -> ProviderSettings:
    """The settings of provider `name`, or of the default one, ready for use.

    Raises ConfigError where there is none of that name, AuthFailed where it needs a key and has none.
    """
    from tamma.providers.interface import ProviderSettings  # a command that needs none does without it

    entry, key = usable_provider(loaded, name)
    return ProviderSettings(
        name=entry.provider_id,
        type=entry.provider_type,
        api_key=key,
        base_url=entry.base_url,
        model=entry.model,
        timeout=entry.timeout,
        stall_timeout=entry.stall_timeout,
        max_output_tokens=entry.default_params.max_tokens,
        temperature=entry.default_params.temperature,
        context_window=entry.context_window,
        price=_price(entry.price),
        max_concurrent=entry.max_concurrent,
        requests_per_minute=entry.requests_per_minute,
        capabilities={name: it for name, it in vars(entry.capabilities).items() if it is not None},
        headers=_resolved(entry.headers, loaded.env, f"providers.available[{entry.provider_id}].headers"),
        options=_options(entry, loaded.env),
    )


def usable_provider(loaded: LoadedConfig, name: str | None = None) -> tuple[ProviderConfig, str | None]:
    """The entry of provider `name`, or of the default one, and its key. Raises as `settings_for_provider`."""
    entry = provider_entry(loaded, name or loaded.config.providers.default)
    key = resolve_secret(entry.api_key, loaded.env, f"providers.available[{entry.provider_id}].apiKey")
    if key is None and entry.provider_type in NEEDS_KEY and not entry.headers:  # one of them may be the key
        raise _no_key(entry)
    return entry, key


def routes(loaded: LoadedConfig) -> Routes:
    """Who is asked for which step, and who instead."""
    from tamma.providers.routing.chain import Link, Routes, link

    providers = loaded.config.providers
    steps = {
        step: tuple(link(each) for each in chain)
        for step, chain in vars(providers.steps).items()
        if chain is not None
    }
    if providers.fallbacks is not None:
        return Routes(steps, tuple(link(each) for each in providers.fallbacks))
    ranked = [entry for entry in providers.available if entry.priority is not None]
    ranked.sort(key=lambda entry: entry.priority or 0)
    return Routes(steps, tuple(Link(entry.provider_id) for entry in ranked))


def provider_entry(loaded: LoadedConfig, name: str) -> ProviderConfig:
    """Raises ConfigError listing the names there are."""
    entries = loaded.config.providers.available
    for entry in entries:
        if entry.provider_id == name:
            return entry
    names = ", ".join(entry.provider_id for entry in entries)
    raise ConfigError(f"there is no provider called {name!r}", hint=f"choose one of: {names}")


def tool_servers(loaded: LoadedConfig) -> ToolServers:
    """The servers whose tools agents may use, not started yet. Raises ConfigError where one is wrong."""
    from tamma.toolservers.interface import NO_TOOL_SERVERS

    if not loaded.config.mcp_servers:
        return NO_TOOL_SERVERS
    from tamma.mcp.server import McpServer
    from tamma.toolservers.servers import Allowed, McpToolServers

    return McpToolServers(
        [
            Allowed(
                McpServer(
                    name=name,
                    command=entry.command,
                    args=entry.args,
                    env=_resolved(entry.env, loaded.env, f"mcpServers.{name}.env"),
                    url=entry.url,
                    headers=_resolved(entry.headers, loaded.env, f"mcpServers.{name}.headers"),
                    timeout=entry.timeout,
                ),
                None if entry.tools is None else frozenset(entry.tools),
            )
            for name, entry in loaded.config.mcp_servers.items()
        ]
    )


def database_url(loaded: LoadedConfig) -> str | None:
    """The address of the user's own PostgreSQL, with its password; None means the embedded one."""
    database = loaded.config.database
    if database.url is not None:
        if not is_reference(database.url):
            return database.url
        url = resolve_secret(database.url, loaded.env, "database.url")
        if url is None:
            raise ConfigError(
                f"database.url refers to {database.url!r}, which is not set",
                hint="set that variable, or remove database.url to use the embedded database",
            )
        return url
    if database.host is None:
        return None
    password = resolve_secret(database.password, loaded.env, "database.password")
    secret = f":{quote(password, safe='')}" if password else ""
    user = quote(database.user, safe="")
    return f"postgresql://{user}{secret}@{database.host}:{database.port}/{quote(database.database, safe='')}"


def temporal_settings(loaded: LoadedConfig) -> TemporalSettings:
    """How to reach Temporal. Keys and TLS are for a server of the user's own: the embedded has neither."""
    temporal = loaded.config.temporal
    if temporal.address is None:
        return TemporalSettings(None, temporal.namespace)
    key = resolve_secret(temporal.api_key, loaded.env, "temporal.apiKey")
    return TemporalSettings(temporal.address, temporal.namespace, key, temporal.tls)


def workspaces_dir(loaded: LoadedConfig) -> Path:
    """Where clones are kept on this host."""
    given = loaded.config.worker.workspaces_dir
    return Path(given).expanduser().absolute() if given else loaded.home / "workspaces"


def worker_host(loaded: LoadedConfig) -> str:
    """The name of this host's own task queue."""
    return loaded.config.worker.host or socket.gethostname()


def stack_request(loaded: LoadedConfig, *, worker: bool = True) -> StackRequest:
    """What to ask of the embedded stack: the servers that are not given from outside, and a worker."""
    return StackRequest(
        temporal_address=loaded.config.temporal.address,
        database_url=database_url(loaded),
        worker=WorkerSpec(fingerprint(loaded), worker_environment(loaded)) if worker else None,
    )


_PASSED_ON = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TZ",
        "TMPDIR",
        "XDG_RUNTIME_DIR",
        "XDG_CACHE_HOME",
    ),
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ),
    *(
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND",
        "COPILOT_CLI_PATH",
    ),
    *("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"),  # the way to the keychain
    *SERVER_VARIABLES,
)
_PASSED_PREFIXES = ("LC_", "TAMMA_", "OTEL_")


def worker_environment(loaded: LoadedConfig) -> dict[str, str]:
    """What of this environment the worker needs: the plain variables above, and those that references name.
    Everything else, other programs' keys among it, stays behind."""
    named = {name for reference in _references(loaded) if (name := env_name(reference))}
    kept = {
        name: value
        for name, value in loaded.env.items()
        if name in _PASSED_ON or name in named or name.startswith(_PASSED_PREFIXES)
    }
    if loaded.config.temporal.address is None:  # the worker is given the embedded server's, which has no key
        for name in ("TEMPORAL_API_KEY", "TAMMA_TEMPORAL_API_KEY"):
            kept.pop(name, None)
    if loaded.user_file in loaded.files:
        kept["TAMMA_CONFIG_PATH"] = str(loaded.user_file)
    return kept


def _references(loaded: LoadedConfig) -> list[str]:
    config = loaded.config
    found: list[str | None] = [config.database.url, config.database.password, config.temporal.api_key]
    for provider in config.providers.available:
        found += [provider.api_key, *provider.headers.values()]
        found += [value for values in _server_values(provider).values() for value in values.values()]
    for server in config.mcp_servers.values():
        found += [*server.env.values(), *server.headers.values()]
    for platform in config.platforms.available:
        found += platform_references(platform)
    return [reference for reference in found if is_reference(reference) and reference]


def _no_key(entry: ProviderConfig) -> AuthFailed:
    name = env_name(entry.api_key)
    if name:
        message = f"provider {entry.provider_id!r} needs an API key: {name} is not set"
        hint = f"export {name}=..., or choose another provider with --provider"
    else:
        message = f"provider {entry.provider_id!r} needs an API key, and its entry has none"
        hint = 'set "apiKey": "env:NAME", with a variable of yours, in its entry of providers.available'
    return AuthFailed(message, hint=hint, provider=entry.provider_id)


def _resolved(values: Mapping[str, str], env: Mapping[str, str], path: str) -> dict[str, str]:
    """Named values, with the secret in place of each reference. Raises ConfigError where one is not set."""
    return {name: _value(value, env, f"{path}.{name}") for name, value in values.items()}


def _value(value: str, env: Mapping[str, str], where: str) -> str:
    resolved = resolve_secret(value, env, where) if is_reference(value) else value
    if resolved is None:
        raise ConfigError(f"{where} refers to {value!r}, which is not set", hint="set that variable")
    return resolved


def _options(entry: ProviderConfig, env: Mapping[str, str]) -> Mapping[str, object]:
    """The entry's options; those of an MCP server's environment and headers may be references."""
    options = dict(cast("Mapping[str, object]", entry.options))
    server = options.get("server")
    if not isinstance(server, Mapping):
        return options
    given = dict(cast("Mapping[str, object]", server))
    for key, values in _server_values(entry).items():
        given[key] = _resolved(values, env, f"providers.available[{entry.provider_id}].options.server.{key}")
    return {**options, "server": given}


def _server_values(entry: ProviderConfig) -> dict[str, dict[str, str]]:
    """`env` and `headers` of the MCP server in the options, where they are what they should be."""
    server = entry.options.get("server")
    found = {key: server.get(key) for key in ("env", "headers")} if isinstance(server, dict) else {}
    return {
        key: {name: value for name, value in values.items() if isinstance(value, str)}
        for key, values in found.items()
        if isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
    }


def _price(price: PriceConfig | None) -> Price | None:
    if price is None:
        return None
    from tamma.providers.interface import Price

    return Price(price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok)
