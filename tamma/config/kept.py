"""A validated configuration, kept for the next command: pydantic and the schema are a quarter of a submit.

Only validation is spared. Every source is read, searched for secrets and laid over the others each time; what
that comes to, with the code that validates it, is the key. A hit is thus what validation would say again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tamma import __version__
from tamma.config.secrets import literal_secrets

if TYPE_CHECKING:
    from tamma.config.schema import TammaConfig

FOLDER = "cache"
MOST = 32
"""Files: one for each set of values, such as a project's or a flag's. The oldest go."""
_SCHEMAS = tuple(
    Path(__file__).with_name(name)
    for name in ("schema.py", "schema_agents.py", "schema_platforms.py", "section.py")
)


def key_of(values: Mapping[str, Any]) -> str | None:
    """What the merged values are kept under; None where they are no JSON, which is left to the schema."""
    code = [(info.st_mtime_ns, info.st_size) for info in (each.stat() for each in _SCHEMAS)]
    try:
        return hashlib.sha256(json.dumps([__version__, code, values]).encode()).hexdigest()
    except (TypeError, ValueError):
        return None


def recall(home: Path, key: str) -> tuple[TammaConfig, dict[str, Any]] | None:
    """What was kept: a configuration of the same attributes, and its JSON. None where there is nothing, or
    nothing that this user wrote whole."""
    try:
        with os.fdopen(os.open(_file(home, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            info = os.fstat(file.fileno())
            if info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) != 0o600:
                return None
            content = json.load(file)
        if content["key"] != key:
            return None
        return _thaw(content["config"]), content["dump"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return None


def keep(home: Path, key: str, config: TammaConfig, values: Mapping[str, Any], dump: dict[str, Any]) -> None:
    """Keep it, in a home that is in use and can be written, where the values hold no secret themselves."""
    if any(literal_secrets(values)):
        return
    path = _file(home, key)
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        if not any(home.iterdir()):
            return  # a command that only looks begins no home
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"key": key, "config": _freeze(config), "dump": dump}, file)
        fresh.replace(path)
        oldest_first = sorted(path.parent.glob("config-*"), key=lambda each: each.stat().st_mtime_ns)
        for old in oldest_first[:-MOST]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # a full or read-only disk, or another command that cleans up: the next one validates again


def _file(home: Path, key: str) -> Path:
    return home / FOLDER / f"config-{key[:32]}.json"


def _freeze(value: Any) -> Any:
    """As JSON that tells the schema's types apart: every container is an object that names its kind."""
    from pydantic import BaseModel

    match value:
        case BaseModel():
            return {"section": {name: _freeze(held) for name, held in value}}
        case tuple():
            return {"tuple": [_freeze(held) for held in cast("tuple[Any, ...]", value)]}
        case dict():
            return {"mapping": {name: _freeze(held) for name, held in cast("dict[str, Any]", value).items()}}
        case Decimal():
            return {"decimal": str(value)}
        case _:
            return value


def _thaw(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, held),) = cast("dict[str, Any]", value).items()
    match kind:
        case "section":
            return SimpleNamespace(**{name: _thaw(inner) for name, inner in held.items()})
        case "tuple":
            return tuple(_thaw(inner) for inner in held)
        case "mapping":
            return {name: _thaw(inner) for name, inner in held.items()}
        case "decimal":
            return Decimal(held)
        case _:
            raise ValueError(f"{kind!r} is no kind of value")
