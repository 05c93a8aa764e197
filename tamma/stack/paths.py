"""The stack's files under TAMMA_HOME."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tamma.errors import ConfigError, StackError

SOCKET_PATH_LIMIT = 100
"""Bytes. Linux takes 107, macOS 103; PostgreSQL checks against its own copy of the limit."""
PG_SOCKET_NAME = ".s.PGSQL.5432"
MIN_FREE_BYTES = 256 * 1024 * 1024
"""A fresh PostgreSQL takes 46 MB and its first write-ahead segments: below this it would start by halves."""


@dataclass(frozen=True, slots=True)
class StackPaths:
    """Names only: nothing is touched until `prepare`."""

    home: Path

    @property
    def lock(self) -> Path:
        """flock'ed by the supervisor for as long as it lives."""
        return self.home / "stack.lock"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        return self.home / "stack.log"

    @property
    def temporal_db(self) -> Path:
        return self.home / "temporal.db"

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def run(self) -> Path:
        """The folder of the unix sockets: under the home, or a short stand-in where that path is too long."""
        wanted = self.home / "run"
        longest = len(os.fsencode(wanted / "pg" / PG_SOCKET_NAME))
        return wanted if longest <= SOCKET_PATH_LIMIT else _short_run_dir(self.home)

    @property
    def socket(self) -> Path:
        return self.run / "stack.sock"

    @property
    def postgres_socket_dir(self) -> Path:
        return self.run / "pg"

    def prepare(self) -> None:
        """Make the folders, private to this user. Raises ConfigError where the home cannot be written and
        StackError where the disk is full."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            private_dir(self.run)
            _check_writable(self.home)
        except OSError as error:
            raise _home_error(self.home, error) from error
        free = shutil.disk_usage(self.home).free
        if free < MIN_FREE_BYTES:
            raise StackError(
                f"the disk under {str(self.home)!r} has only {free // 2**20} MB left",
                hint=f"free at least {MIN_FREE_BYTES // 2**20} MB, or point TAMMA_HOME at another disk",
            )


def private_dir(path: Path) -> None:
    """Make `path` a folder that only this user may enter. Raises ConfigError where it is somebody else's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
        raise ConfigError(
            f"{str(path)!r} is a link or belongs to another user: sockets are not put there",
            hint="remove it, or point TAMMA_HOME at a folder of your own",
        )
    if stat.S_IMODE(info.st_mode) & 0o076:  # o+x may be there for PostgreSQL's account, see postgres_account
        path.chmod(0o700)


def _short_run_dir(home: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime:
        candidate = Path(runtime) / "tamma" / digest
        if len(os.fsencode(candidate / "pg" / PG_SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return candidate
    # Not tempfile.gettempdir(): TMPDIR differs between shells, and both must find the same socket.
    return Path(f"/tmp/tamma-{os.getuid()}-{digest}")  # noqa: S108


def _check_writable(home: Path) -> None:
    with tempfile.TemporaryFile(dir=home) as probe:
        probe.write(b"x")


def _home_error(home: Path, error: OSError) -> ConfigError | StackError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StackError(
            f"the disk under {str(home)!r} is full: {error.strerror}",
            hint="free some space, or point TAMMA_HOME at another disk",
        )
    return ConfigError(
        f"cannot write to TAMMA_HOME {str(home)!r}: {error.strerror}",
        hint="point TAMMA_HOME at a folder you may write to, e.g. TAMMA_HOME=$HOME/.tamma",
    )
