"""Loads the configuration: flags > environment > project's file > user's file > defaults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tamma.config import environment, kept, project
from tamma.config.built_in import BUILT_IN
from tamma.config.built_in_platforms import usual_accounts
from tamma.config.layers import Layered, leaves
from tamma.config.secrets import refuse_literals
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from tamma.config.schema import PlatformsConfig, ProvidersConfig, TammaConfig

DEFAULT_ORIGIN = "default"
PROVIDERS_FILE = "providers.json"
"""Beside the user's file, for those who keep the providers apart. It goes before what that file says."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration in force, with where each value came from."""

    config: TammaConfig
    """Or, where it was kept from an earlier command, what has the same attributes and nothing else."""
    dump: Mapping[str, Any]
    """`config` as JSON, by the names that it has in files."""
    home: Path
    """TAMMA_HOME, absolute. Nothing has been created."""
    user_file: Path
    """Where the user's file is or would be."""
    files: tuple[Path, ...]
    """The files that were read."""
    origins: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """Things worth telling the user: misspelt variables, a project's wishes that were not granted."""
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The environment that references are resolved in."""

    def origin(self, path: str) -> str:
        """`default`, `user FILE`, `project FILE`, `env NAME` or `flag`."""
        return self.origins.get(path, DEFAULT_ORIGIN)

    def values(self) -> list[tuple[str, Any, str]]:
        """Every value as (path, value, origin). Secrets are references here, but see `redact`."""
        return [(path, value, self.origin(path)) for path, value in leaves(self.dump)]


def home_of(env: Mapping[str, str]) -> Path:
    """TAMMA_HOME, or ~/.tamma."""
    given = env.get("TAMMA_HOME")
    return Path(given).expanduser().absolute() if given else Path.home() / ".tamma"


def load_config(
    flags: Mapping[str, object] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    config_path: Path | None = None,
    project_dir: Path | None = None,
    keep: bool = False,
) -> LoadedConfig:
    """Load and validate.

    `flags` are dotted paths (`{"run.approve": "plan"}`), None values are not set. `config_path` is the
    `--config` option; a file that was named must exist. `project_dir` is where a project's `.tamma.json` is
    looked for; without it, none is read. With `keep`, values that were validated before (see `kept`) are not
    validated again. Raises ConfigError, saying which source is wrong.
    """
    env = os.environ if env is None else env
    home = home_of(env)
    named = config_path or (Path(env["TAMMA_CONFIG_PATH"]) if env.get("TAMMA_CONFIG_PATH") else None)
    user_file = (named or home / "config.json").expanduser().absolute()
    project_file = project.find_project_file(project_dir.absolute()) if project_dir else None

    layered = Layered()
    layered.lay(BUILT_IN, DEFAULT_ORIGIN)
    layered.lay({"platforms": {"available": list(usual_accounts(env))}}, DEFAULT_ORIGIN)
    files: list[Path] = []
    notes: list[str] = []
    if named is not None or user_file.exists():
        layered.lay(read_file(user_file), f"user {user_file}")
        files.append(user_file)
    providers_file = user_file.with_name(PROVIDERS_FILE)
    if providers_file.exists():
        layered.lay(read_providers_file(providers_file), f"user {providers_file}")
        files.append(providers_file)
    if project_file is not None:
        notes += project.lay_project(layered, read_file(project_file), project_file)
        files.append(project_file)
    notes += [_unknown_variable(name) for name in environment.unknown_names(env, _platform_ids(layered))]
    _lay_environment(layered, env, flags or {})
    for path, value in (flags or {}).items():
        if value is not None:
            layered.set(path, value, "flag")
    config, dump = _checked(layered, home) if keep else _validate(layered)
    return LoadedConfig(config, dump, home, user_file, tuple(files), layered.origins, tuple(notes), dict(env))


def read_providers_file(path: Path) -> dict[str, Any]:
    """What the `providers` of a configuration holds, from a file of its own: bare or below that key, and the
    list of the entries is enough. Raises as `read_file`."""
    content = _json_object(path)
    inner = content.get("providers", content)
    whole: dict[str, Any] = {"providers": {"available": inner} if isinstance(inner, list) else inner}
    refuse_literals(whole, repr(str(path)))
    return whole


def read_file(path: Path) -> dict[str, Any]:
    """A configuration file's content. Raises ConfigError where it cannot be read, is not a JSON object, or
    holds a secret itself."""
    content = _json_object(path)
    refuse_literals(content, repr(str(path)))
    return content


def _json_object(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration file {str(path)!r}: {error.strerror}",
            hint="check --config and TAMMA_CONFIG_PATH",
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{str(path)!r} is not UTF-8 text") from None
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        # The message has line and column, never the text around it.
        raise ConfigError(f"{str(path)!r} is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{str(path)!r} must hold a JSON object")
    return cast("dict[str, Any]", values)


def _lay_environment(layered: Layered, env: Mapping[str, str], flags: Mapping[str, object]) -> None:
    for variable, path in environment.platform_secrets(env, _platform_ids(layered)):
        layered.set(path, f"env:{variable}", f"env {variable}")
    for variable, value in environment.settings(env):
        path = variable.path
        if path.startswith(environment.DEFAULT_PROVIDER):
            # Which provider that is, a flag may say; variables that name one come earlier in the list.
            default = flags.get("providers.default") or layered.get("providers.default") or "anthropic-claude"
            path = path.format(default=default)
        layered.set(path, value, f"env {variable.name}")


def _platform_ids(layered: Layered) -> list[str]:
    entries = layered.get("platforms.available")
    dicts = [cast("dict[str, Any]", each) for each in entries or () if isinstance(each, dict)]
    return [each["platformId"] for each in dicts if isinstance(each.get("platformId"), str)]


def _checked(layered: Layered, home: Path) -> tuple[TammaConfig, dict[str, Any]]:
    """As `_validate`, without doing it where it was done before."""
    key = kept.key_of(layered.values)
    if key is None:
        return _validate(layered)
    found = kept.recall(home, key)
    if found is None:
        found = _validate(layered)
        kept.keep(home, key, found[0], layered.values, found[1])
    return found


def _validate(layered: Layered) -> tuple[TammaConfig, dict[str, Any]]:
    """The configuration, and it as JSON. Raises ConfigError. Heavy: it imports pydantic."""
    from pydantic import ValidationError

    from tamma.config.problems import explain
    from tamma.config.schema import TammaConfig

    try:
        config = TammaConfig.model_validate(layered.values)
    except ValidationError as error:
        raise explain(error, layered) from None
    names = [entry.provider_id for entry in config.providers.available]
    for path, provider in _named_providers(config.providers):
        if provider not in names:
            origin = layered.origins.get(path, DEFAULT_ORIGIN)
            raise ConfigError(
                f"{path}: there is no provider called {provider!r} (from {origin})",
                hint=f"choose one of: {', '.join(names)}",
            )
    _check_platforms(config.platforms, layered)
    return config, config.model_dump(mode="json", by_alias=True)


def _check_platforms(platforms: PlatformsConfig, layered: Layered) -> None:
    """Raises ConfigError where an account is named that is none."""
    ids = [entry.platform_id for entry in platforms.available]
    named = [(f"platforms.available[{entry.platform_id}].issues.platform", entry.issues.platform)
             for entry in platforms.available if entry.issues]  # fmt: skip
    trackers = {entry.issues.platform for entry in platforms.available if entry.issues}
    for entry in platforms.available:
        if entry.issues and entry.platform_id in trackers:
            raise ConfigError(
                f"platforms.available[{entry.platform_id}].issues: it is the tracker of another account, and "
                "has its own issues",
                hint="remove one of the two `issues`",
            )
    if platforms.default is not None:
        named.append(("platforms.default", platforms.default))
    for path, platform in named:
        if platform not in ids:
            raise ConfigError(
                f"{path}: there is no platform called {platform!r} "
                f"(from {layered.origins.get(path, DEFAULT_ORIGIN)})",
                hint=f"choose one of: {', '.join(ids)}",
            )


def _named_providers(providers: ProvidersConfig) -> Iterator[tuple[str, str]]:
    """Every place that names an entry, and the name."""
    yield "providers.default", providers.default
    for each in providers.fallbacks or ():
        yield "providers.fallbacks", each.partition("/")[0]
    for step, chain in providers.steps:
        for each in chain or ():
            yield f"providers.steps.{step}", each.partition("/")[0]


def _unknown_variable(name: str) -> str:
    from difflib import get_close_matches

    known = [variable.name for variable in environment.VARIABLES] + list(environment.READ_ELSEWHERE)
    close = get_close_matches(name, known, n=1)
    return f"the variable {name} means nothing to tamma" + (f"; did you mean {close[0]}?" if close else "")
