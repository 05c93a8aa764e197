"""A hash over what a worker works with, so that a running one can be compared with what is wanted now."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any, cast

from tamma import __version__
from tamma.config.layers import leaves
from tamma.config.load import LoadedConfig
from tamma.config.secrets import env_name, is_reference, resolve_secret
from tamma.errors import ConfigError

_IGNORED = (
    "mode",
    "logLevel",
    "run.",
    "orchestrator.",
    "providers.default",
    "agents.default",
    "agents.available",
)
"""What travels with a run or is no worker's business: a change of it is no reason to restart one."""
_THE_WORKERS = ("run.sandbox.", "run.protectedPaths")
"""What stands under `run.` and yet does not travel with it: the worker reads it in its own."""
SALT_FILE = "salt"


def fingerprint(loaded: LoadedConfig) -> str:
    """`HASH;NAME=HASH;...`: over the effective configuration (with the version, and with secrets from files
    and the keychain), and over each variable that is referred to and set. `worker_serves` compares two.

    Keyed with a random salt in TAMMA_HOME, so that it tells nothing about a secret to whoever sees it.
    Raises ConfigError where TAMMA_HOME cannot be written or a referenced file cannot be used.
    """
    salt = _salt(loaded.home)
    material: dict[str, Any] = {"": __version__}
    secrets_seen: dict[str, str] = {}
    for path, value in leaves(loaded.dump):
        if path.startswith(_IGNORED) and not path.startswith(_THE_WORKERS):
            continue
        values = cast("list[object]", value) if isinstance(value, list | tuple) else [value]
        for name in {env_name(each) for each in values if isinstance(each, str)} - {None}:
            if name and (secret := loaded.env.get(name)):
                secrets_seen[name] = f"{name}={_digest(salt, secret)[:16]}"
        looked_up = [resolve_secret(str(it), loaded.env, path) if _is_kept(it) else it for it in values]
        material[path] = looked_up
    return ";".join((_digest(salt, json.dumps(material, sort_keys=True)), *sorted(secrets_seen.values())))


def _is_kept(value: object) -> bool:
    """Whether it refers to a secret in a file or in the keychain."""
    return is_reference(value) and env_name(str(value)) is None


def _digest(salt: bytes, text: str) -> str:
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()


def _salt(home: Path) -> bytes:
    path = home / SALT_FILE
    try:
        return path.read_bytes() or _new_salt(path)
    except FileNotFoundError:
        return _new_salt(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _new_salt(path: Path) -> bytes:
    """Make it once: of two commands that start at the same moment, both use the first one's."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(fresh, path)  # fails where the other one was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot use {str(path)!r} under TAMMA_HOME: {error.strerror}",
        hint="point TAMMA_HOME at a folder you may write to, e.g. TAMMA_HOME=$HOME/.tamma",
    )
