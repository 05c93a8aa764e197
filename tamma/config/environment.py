"""Environment variables that configure Tamma, and the paths that they set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tamma.errors import ConfigError

DEFAULT_PROVIDER = "providers.available[{default}]"
"""Stands for the entry of whatever provider is the default one."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    path: str
    secret: bool = False
    """Keep a reference to the variable, not its value."""
    meaning: str = ""


# Later ones win over earlier ones that set the same path.
VARIABLES = (
    Variable("TAMMA_MODE", "mode", meaning="orchestrator, worker or standalone"),
    Variable("TAMMA_LOG_LEVEL", "logLevel", meaning="trace, debug, info, warn or error"),
    Variable("TAMMA_AI_PROVIDER", "providers.default", meaning="the provider to use"),
    Variable("TAMMA_MODEL", f"{DEFAULT_PROVIDER}.model", meaning="that provider's model"),
    Variable("TAMMA_BASE_URL", f"{DEFAULT_PROVIDER}.baseUrl", meaning="that provider's address"),
    Variable("DATABASE_URL", "database.url", secret=True, meaning="a PostgreSQL server of your own"),
    Variable("TAMMA_DATABASE_URL", "database.url", secret=True, meaning="the same, for Tamma alone"),
    Variable("TEMPORAL_ADDRESS", "temporal.address", meaning="a Temporal server of your own, HOST:PORT"),
    Variable("TAMMA_TEMPORAL_ADDRESS", "temporal.address", meaning="the same, for Tamma alone"),
    Variable("TEMPORAL_NAMESPACE", "temporal.namespace", meaning="its namespace"),
    Variable("TAMMA_TEMPORAL_NAMESPACE", "temporal.namespace", meaning="the same, for Tamma alone"),
    Variable("TEMPORAL_API_KEY", "temporal.apiKey", secret=True, meaning="its API key"),
    Variable("TAMMA_TEMPORAL_API_KEY", "temporal.apiKey", secret=True, meaning="the same, for Tamma alone"),
    Variable("TAMMA_APPROVE", "run.approve", meaning="none, plan, merge or all: what waits for a person"),
    Variable("TAMMA_MERGE", "run.merge", meaning="auto or never"),
    Variable("TAMMA_BUDGET_USD", "run.budgetUsd", meaning="what a run may cost before it asks"),
    Variable("TAMMA_MAX_TURNS", "run.maxTurns", meaning="model calls of a run before it asks"),
    Variable("TAMMA_UNSAFE_NO_SANDBOX", "run.sandbox.allowNone", meaning="1: run commands unprotected, too"),
    Variable("TAMMA_TEST_COMMAND", "run.testCommand", meaning="how the project is tested"),
    Variable(
        "TAMMA_MAX_CONCURRENT_TASKS",
        "worker.maxConcurrentTasks",
        meaning="workspace activities of one worker at once, less one",
    ),
    Variable("TAMMA_WORKSPACES_DIR", "worker.workspacesDir", meaning="where clones are kept"),
    Variable("TAMMA_WORKER_HOST", "worker.host", meaning="this host's name in its task queue"),
    Variable("TAMMA_ORCHESTRATOR_URL", "worker.orchestratorUrl", meaning="accepted, not needed"),
)
PLATFORM_PREFIX = "TAMMA_PLATFORM_"
PLATFORM_SECRETS = {
    "TOKEN": "credentials.accessToken",
    "REFRESH_TOKEN": "credentials.refreshToken",
    "CLIENT_SECRET": "credentials.clientSecret",
    "PRIVATE_KEY": "credentials.privateKey",
    "WEBHOOK_SECRET": "webhookSecret",
}
"""Endings of `TAMMA_PLATFORM_<ID>_…`, and the key of that entry which they set."""
READ_ELSEWHERE = {
    "TAMMA_SECRET_KEY": "encrypts renewed OAuth tokens where there is no keychain: 32 bytes as base64, or a "
    "passphrase",
    "TAMMA_HOME": "where everything is kept",
    "TAMMA_CONFIG_PATH": "the configuration file",
    "TAMMA_DEBUG": "1 or true: log level debug, tracebacks",
}
OPEN_PREFIXES = ("TAMMA_TEST_",)
"""Not ours to know: left to tests."""
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


def settings(env: Mapping[str, str]) -> Iterator[tuple[Variable, str]]:
    """Every variable that is set (empty counts as not set), with the value for its path."""
    if debug(env):
        yield Variable("TAMMA_DEBUG", "logLevel"), "debug"
    for variable in VARIABLES:
        if value := env.get(variable.name):
            yield variable, f"env:{variable.name}" if variable.secret else value


def debug(env: Mapping[str, str]) -> bool:
    """Whether TAMMA_DEBUG is on. Raises ConfigError for what is neither yes nor no."""
    value = env.get("TAMMA_DEBUG", "").strip().lower()
    if value not in _TRUE | _FALSE:
        raise ConfigError(
            f"TAMMA_DEBUG is {value!r}, which is neither yes nor no", hint="set it to 1 or to 0"
        )
    return value in _TRUE


def platform_secrets(env: Mapping[str, str], platform_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The variables `TAMMA_PLATFORM_<ID>_…` that are set, each with the path it sets. `<ID>` is the
    platformId in capitals, with `_` for all that is neither letter nor digit. Raises ConfigError where that
    fits two."""
    for name, paths in _platform_variables(platform_ids).items():
        if not env.get(name):
            continue
        if len(paths) > 1:
            raise ConfigError(
                f"the variable {name} is meant for one account, and could set {' or '.join(paths)}",
                hint="name the secret in the account's entry instead, by a variable of another name",
            )
        yield name, paths[0]


def _platform_variables(platform_ids: Iterable[str]) -> dict[str, list[str]]:
    """Each name that would mean something, with the paths it would set."""
    found: dict[str, list[str]] = {}
    for platform_id in platform_ids:
        capitals = re.sub(r"[^A-Z0-9]", "_", platform_id.upper())
        for ending, key in PLATFORM_SECRETS.items():
            name = f"{PLATFORM_PREFIX}{capitals}_{ending}"
            found.setdefault(name, []).append(f"platforms.available[{platform_id}].{key}")
    return found


def unknown_names(env: Mapping[str, str], platform_ids: Iterable[str] = ()) -> list[str]:
    """`TAMMA_*` variables that mean nothing here: probably misspelt."""
    known = {variable.name for variable in VARIABLES} | set(READ_ELSEWHERE)
    known |= set(_platform_variables(platform_ids))
    ours = (name for name in env if name.startswith("TAMMA_") and not name.startswith(OPEN_PREFIXES))
    return sorted(name for name in ours if name not in known)
