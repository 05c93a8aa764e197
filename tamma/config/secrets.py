"""Secrets are referred to, never written down: `env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from tamma.config.layers import leaves
from tamma.errors import ConfigError
from tamma.telemetry.redaction import remember_secret

_SCHEMES = ("env:", "file:", "keyring:")
_SECRET_KEY = re.compile(
    r"((api|private|access|auth|subscription)[_-]?key|token|secret|password|passwd|credential|authorization|cookie)$",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(r"(max|input|output|limit)_?tokens?$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|xox[abpr]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,})|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_LONG_FOR_A_USER = 16
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(_SCHEMES)


def env_name(reference: str | None) -> str | None:
    """The variable that `env:NAME` names; None for anything else."""
    return reference.removeprefix("env:") if reference and reference.startswith("env:") else None


def literal_secrets(values: Mapping[str, Any]) -> Iterator[str]:
    """Paths in a file's content where a secret itself stands, or what looks like one."""
    for path, value in leaves(values):
        found = cast("list[object]", value) if isinstance(value, list | tuple) else [value]
        if any(isinstance(each, str) and _stands_there(path, each) for each in found):
            yield path


def _stands_there(path: str, value: str) -> bool:
    return bool(value) and not is_reference(value) and _holds_secret(path, value)


def _holds_secret(path: str, value: str) -> bool:
    key = path.rpartition(".")[2]
    named = bool(_SECRET_KEY.search(key)) and not _NOT_SECRET_KEY.search(key)
    return named or bool(_SECRET_VALUE.search(value)) or _is_telling_url(value)


def _is_telling_url(value: str) -> bool:
    """Whether an address holds a password, a token in a user's place (as forges take it), or a key as a
    parameter."""
    if "://" not in value:
        return False
    try:
        parts = urlsplit(value)
        return bool(
            parts.password
            or len(parts.username or "") >= _LONG_FOR_A_USER
            or any(_names_secret(name) and given for name, given in parse_qsl(parts.query))
        )
    except ValueError:
        return False


def _names_secret(name: str) -> bool:
    return name == "key" or bool(_SECRET_KEY.search(name))


def refuse_literals(values: Mapping[str, Any], source: str) -> None:
    """Raises ConfigError, naming the place and never the value."""
    for path in literal_secrets(values):
        variable = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path.rpartition(".")[2]).upper()
        raise ConfigError(
            f"{source} holds a secret itself at {path!r}; secrets are not kept in configuration files",
            hint=f'write a reference instead: "env:{variable}", or "file:PATH" of a file with mode 0600; '
            "and replace the secret itself, as others may have seen it",
        )


def resolve_secret(reference: str | None, env: Mapping[str, str], where: str) -> str | None:
    """The secret behind a reference; None where there is no reference, or nothing behind it: a variable
    that is not set, a name that the keychain does not have.

    From then on it is redacted from whatever this process logs or reports. Raises ConfigError for a file that
    is missing or that others may read, and where there is no keychain.
    """
    if reference is None:
        return None
    secret = _look_up(reference, env, where)
    remember_secret(secret)
    return secret


def _look_up(reference: str, env: Mapping[str, str], where: str) -> str | None:
    scheme, _, rest = reference.partition(":")
    match scheme:
        case "env":
            return env.get(rest, "").strip() or None  # files for containers leave a line break
        case "file":
            return _read_secret(Path(rest), where)
        case "keyring":
            return _from_keychain(rest, where)
        case _:
            raise ConfigError(
                f"{where} is not a reference to a secret",
                hint="write env:NAME, file:PATH (a file of mode 0600) or keyring:SERVICE/NAME",
            )


def _from_keychain(place: str, where: str) -> str | None:
    from tamma.config import keychain

    service, _, name = place.rpartition("/")
    if not service or not name:
        raise ConfigError(
            f"{where} refers to the keychain as {place!r}", hint="write keyring:SERVICE/NAME, both as stored"
        )
    return (keychain.read(service, name, where) or "").strip() or None


def _read_secret(path: Path, where: str) -> str:
    path = path.expanduser()
    if not path.is_absolute():
        raise ConfigError(
            f"{where} refers to the file {str(path)!r} by a relative path", hint="write it in full"
        )
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if stat.S_IMODE(info.st_mode) & OTHERS:
                raise ConfigError(
                    f"{where} refers to {str(path)!r}, which others may read "
                    f"(mode {stat.S_IMODE(info.st_mode):04o})",
                    hint=f"chmod 600 {path}",
                )
            if info.st_uid not in (0, os.geteuid()):
                raise ConfigError(
                    f"{where} refers to {str(path)!r}, which belongs to another user", hint="make it your own"
                )
            secret = file.read(65536).decode().strip()
    except OSError as error:
        raise ConfigError(
            f"{where} refers to {str(path)!r}, which cannot be read: {error.strerror}",
            hint="write the secret into that file, with mode 0600",
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{where} refers to {str(path)!r}, which is not text") from None
    if not secret:
        raise ConfigError(f"{where} refers to {str(path)!r}, which is empty")
    return secret
