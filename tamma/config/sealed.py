"""Secrets in a file of their own: AES-256-GCM, mode 0600, replaced whole.

The key is `TAMMA_SECRET_KEY` (32 bytes as base64 or hexadecimal, or a passphrase, from which scrypt makes
one), else a key file beside the sealed files. The latter keeps a copied file or a backup of it from being
read; it does not keep out who can read all of TAMMA_HOME.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from tamma.config.secrets import resolve_secret
from tamma.errors import ConfigError
from tamma.telemetry.redaction import remember_secret

VARIABLE = "TAMMA_SECRET_KEY"
KEY_FILE = "key"
KEY_BYTES = 32
_NONCE_BYTES = 12
"""Of AES-GCM (NIST SP 800-38D); random: each file is written far fewer than 2^32 times."""


class SealedFile:
    """One secret text. `label` is bound to it: a file that was renamed to another's name does not open."""

    def __init__(self, path: Path, label: str, env: Mapping[str, str]) -> None:
        self._path = path
        self._label = label.encode()
        self._env = env

    def read(self) -> str | None:
        """None where there is no file. Raises ConfigError where it does not open."""
        try:
            sealed: Any = json.loads(self._path.read_bytes())
            salt, nonce, content = (base64.b64decode(sealed[key]) for key in ("salt", "nonce", "content"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._spoilt(f"cannot be read ({type(error).__name__})") from None
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._key(salt)).decrypt(nonce, content, self._label).decode()
        except (InvalidTag, ValueError):
            raise self._spoilt("does not open with this key") from None

    def write(self, text: str) -> None:
        """Replace it. On return it outlives a crash. Raises ConfigError."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(_NONCE_BYTES)
        content = AESGCM(self._key(salt)).encrypt(nonce, text.encode(), self._label)
        parts = {"salt": salt, "nonce": nonce, "content": content}
        sealed = {"version": 1, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}
        try:
            write_whole(self._path, json.dumps(sealed).encode())
        except OSError as error:
            raise ConfigError(
                f"cannot write {str(self._path)!r}: {error.strerror}",
                hint="make room, or check its folder's mode",
            ) from error

    def _key(self, salt: bytes) -> bytes:
        given = self._env.get(VARIABLE)
        if given:
            remember_secret(given)
            return _as_bytes(given) or _stretched(given, salt)
        return _key_of_file(self._path.with_name(KEY_FILE))

    def _spoilt(self, what: str) -> ConfigError:
        return ConfigError(
            f"the kept tokens in {str(self._path)!r}: the file {what}",
            hint=f"set {VARIABLE} as it was, or remove the file and authorise Tamma anew",
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write a private file so that a crash leaves the old one or the new one. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too
    finally:
        os.close(folder)


def _as_bytes(given: str) -> bytes | None:
    """32 bytes written as base64 or hexadecimal; None for anything else."""
    try:
        found = (
            bytes.fromhex(given) if len(given) == 2 * KEY_BYTES else base64.b64decode(given, validate=True)
        )
    except ValueError:
        return None
    return found if len(found) == KEY_BYTES else None


@lru_cache(maxsize=4)
def _stretched(passphrase: str, salt: bytes) -> bytes:
    """scrypt with the parameters of RFC 7914 for interactive use, doubled: 64 MiB, some 100 ms."""
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26 + 2**20, dklen=KEY_BYTES
    )


def _key_of_file(path: Path) -> bytes:
    """The key beside the sealed files, made once. Raises ConfigError where others may read it."""
    try:
        if not path.exists():
            _new_key(path)
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r}: {error.strerror}", hint=f"set {VARIABLE}") from error
    found = _as_bytes(resolve_secret(f"file:{path}", {}, "the key of kept tokens") or "")
    if found is None:
        raise ConfigError(f"{str(path)!r} holds no key", hint="remove it and authorise Tamma anew")
    return found


def _new_key(path: Path) -> None:
    """Of two processes that make it at once, both use the first one's."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.first")
    write_whole(fresh, base64.b64encode(secrets.token_bytes(KEY_BYTES)))
    try:
        os.link(fresh, path)  # fails where the other one was faster
    except FileExistsError:
        return
    finally:
        fresh.unlink()
    structlog.get_logger().warning(
        "credentials.key_beside_them",
        file=str(path),
        hint=f"there is no keychain here, so renewed tokens are encrypted with a key that lies beside them; "
        f"set {VARIABLE} to keep it elsewhere",
    )
