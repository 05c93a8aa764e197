"""Reads `temporal-dev.yaml`: from the wheel's own copy, or from the root of a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tamma.errors import ConfigError

FILE_NAME = "temporal-dev.yaml"


@dataclass(frozen=True, slots=True)
class DevServerSettings:
    ip: str
    port: int
    ui_port: int
    namespace: str
    retention_days: int
    log_level: str
    search_attributes: Mapping[str, str]
    dynamic_config: Mapping[str, object]
    sqlite_pragmas: Mapping[str, str]


def settings_path() -> Path:
    """Where the file is. Raises ConfigError where the installation lacks it."""
    here = Path(__file__).resolve()
    for candidate in (here.parent / FILE_NAME, here.parents[2] / FILE_NAME):
        if candidate.is_file():
            return candidate
    raise ConfigError(
        f"{FILE_NAME!r} is missing from the installation", hint="install the package 'tamma' again"
    )


@cache
def dev_server_settings() -> DevServerSettings:
    """The embedded server's settings. Raises ConfigError naming what is wrong in the file."""
    import yaml

    path = settings_path()
    try:
        return parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{str(path)!r} is not understood: {error}"
        raise ConfigError(message, hint="restore the file as released") from error


def parse(data: Any) -> DevServerSettings:
    retention = str(data["retention"])
    if not retention.endswith("d"):
        raise ValueError(f"retention {retention!r} is not a number of days such as '90d'")
    return DevServerSettings(
        ip=str(data["ip"]),
        port=int(data["port"]),
        ui_port=int(data["uiPort"]),
        namespace=str(data["namespace"]),
        retention_days=int(retention[:-1]),
        log_level=str(data["logLevel"]),
        search_attributes={str(k): str(v) for k, v in data["searchAttributes"].items()},
        dynamic_config=dict(data["dynamicConfig"]),
        sqlite_pragmas={str(k): str(v) for k, v in data["sqlitePragmas"].items()},
    )
