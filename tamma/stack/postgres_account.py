"""PostgreSQL refuses to run as root. In containers the user often is root, so it is given another identity.

First choice: a user namespace that maps root to an ordinary number. Nothing on the disk changes hands, and
the home stays private. Where the kernel or a container forbids that, an account of the system is used: its
data folder then belongs to it, and the folders above must let it pass.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tamma.errors import ConfigError
from tamma.stack.logfile import log_line

ACCOUNT = "pgserver"
"""The name that the PostgreSQL wheel itself uses."""
NAMESPACED = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who runs PostgreSQL."""

    prefix: tuple[str, ...] = ()
    """Words before the command."""
    owner: tuple[int, int] | None = None
    """User and group that must own the data; None: whoever runs us."""


def identity() -> Identity:
    """Find one. Raises ConfigError for a root that has neither way."""
    if os.geteuid() != 0:
        return Identity()
    if shutil.which("unshare") and _works(*NAMESPACED, "true"):
        return Identity(NAMESPACED)
    return account_identity()


def account_identity() -> Identity:
    """The account's identity; it is created where `useradd` can."""
    if not shutil.which("setpriv"):
        raise ConfigError(
            "PostgreSQL refuses to run as root, and neither user namespaces nor 'setpriv' are to be had",
            hint="run tamma as an ordinary user, or give it a database with DATABASE_URL",
        )
    entry = _account() or _create_account()
    words = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--")
    return Identity(words, (entry.pw_uid, entry.pw_gid))


def hand_over(who: Identity, folder: Path) -> None:
    """Make `folder` and all in it belong to `who`, and its parents passable (not listable) for it."""
    uid, gid = who.owner or (os.geteuid(), os.getegid())
    if folder.lstat().st_uid != uid:
        for root, _, files in os.walk(folder):
            os.chown(root, uid, gid)
            for name in files:
                os.chown(Path(root) / name, uid, gid, follow_symlinks=False)
    if who.owner is not None:
        make_passable(folder)


def make_passable(path: Path) -> None:
    """Let others search (not read) every folder above `path`. Said in the log, because it loosens a mode."""
    for parent in path.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
            log_line(f"mode of {str(parent)!r} is now {mode | stat.S_IXOTH:04o}: PostgreSQL must pass it")


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _create_account() -> pwd.struct_passwd:
    if not _works("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT):
        raise ConfigError(
            f"PostgreSQL refuses to run as root, and the account {ACCOUNT!r} for it could not be created",
            hint="run tamma as an ordinary user, or give it a database with DATABASE_URL",
        )
    return pwd.getpwnam(ACCOUNT)


def _works(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
