"""Where renewed OAuth grants are kept: the system's keychain where there is one, else a sealed file."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamma.config import keychain
from tamma.config.sealed import SealedFile
from tamma.errors import ConfigError, Transient
from tamma.platforms.auth.grant import Grant

FOLDER = "credentials"
SERVICE = "tamma"
_PATIENCE = 60.0
"""Seconds to wait for another process that renews: longer than one request takes."""
_LOOK = 0.05
"""Seconds between two looks at the lock."""


class KeptGrants:
    """The `GrantStore` of one account below one TAMMA_HOME."""

    def __init__(self, home: Path, env: Mapping[str, str], platform_id: str) -> None:
        self._platform = platform_id
        self._folder = home / FOLDER
        # Readable, and different for ids that differ in other characters or in case alone.
        short = re.sub(r"[^a-z0-9.-]", "_", platform_id.lower())[:60]
        self._stem = f"{short}-{hashlib.sha256(platform_id.encode()).hexdigest()[:8]}"
        self._file = SealedFile(self._folder / f"{self._stem}.sealed", f"tamma grant {platform_id}", env)
        self._name = f"{platform_id} in {home}"

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[None]:
        """Raises Transient where another process does not let go."""
        self._make_folder()
        lock = os.open(self._folder / f"{self._stem}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await self._take(lock)
            yield
        finally:
            os.close(lock)  # lets go of it, as does a crash

    async def _take(self, lock: int) -> None:
        """By looking again and again: a thread that waits in the kernel could not be cancelled."""
        deadline = time.monotonic() + _PATIENCE
        while not _taken(lock):
            if time.monotonic() > deadline:
                raise Transient(
                    f"another process does not come to an end of renewing the token of {self._platform!r}",
                    hint="it is tried again",
                    platform=self._platform,
                )
            await asyncio.sleep(_LOOK)

    async def load(self) -> Grant | None:
        return await asyncio.to_thread(self._load)

    async def save(self, grant: Grant) -> None:
        await asyncio.to_thread(self._save, grant)

    def _load(self) -> Grant | None:
        text = keychain.read(SERVICE, self._name, "a renewed token") if keychain.available() else None
        text = text or self._file.read()
        if text is None:
            return None
        try:
            kept: dict[str, Any] = json.loads(text)
            return Grant(**kept)
        except (ValueError, TypeError):
            raise ConfigError(
                f"what is kept of the token of {self._platform!r} is not readable",
                hint="remove it and authorise Tamma anew",
            ) from None

    def _save(self, grant: Grant) -> None:
        text = json.dumps(asdict(grant))
        if keychain.available():
            keychain.write(SERVICE, self._name, text)
            return
        self._make_folder()
        self._file.write(text)

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot make {str(self._folder)!r}: {error.strerror}",
                hint="point TAMMA_HOME at a folder you may write to",
            ) from error


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
