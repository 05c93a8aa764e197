"""Starts the processes of one plugin, and turns what goes wrong in them into errors of ours."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import structlog

from tamma.errors import ConfigError, TammaError
from tamma.plugins import confinement, messages
from tamma.plugins.confinement import TierName
from tamma.plugins.connection import Connection, PluginEnded, PluginFailure, Unsendable
from tamma.plugins.failures import clean, error_of
from tamma.plugins.kind import Account, Kind
from tamma.plugins.limits import Limits
from tamma.registry import Entry

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grants:
    """`options.sandbox` of an entry: what its user allows the plugin."""

    allow_none: bool = False
    """Run it without a sandbox, where none works."""
    read: tuple[str, ...] = ()


def grants_of(account: Account, noun: str) -> Grants:
    """Raises ConfigError for another form than `{"allowNone": bool, "read": [path]}`."""
    given = account.options.get("sandbox", {})
    known = cast("Mapping[str, object]", given if isinstance(given, Mapping) else {"?": given})
    allow_none, read = known.get("allowNone", False), known.get("read", ())
    paths = tuple(cast("list[object]", read)) if isinstance(read, list | tuple) else (read,)
    if not (
        set(known) <= {"allowNone", "read"}
        and isinstance(allow_none, bool)
        and all(isinstance(path, str) and path.startswith("/") for path in paths)
    ):
        raise ConfigError(
            f"{noun} {account.name!r}: the option 'sandbox' is {given!r}",
            hint='write it like {"allowNone": false, "read": ["/absolute/path"]}',
        )
    return Grants(allow_none, (*account.readable, *(str(path) for path in paths)))


class Host:
    """Of one entry point. `tiers` are tried in order; what works here is found out once."""

    def __init__(self, kind: Kind, entry: Entry, tiers: tuple[TierName, ...], limits: Limits) -> None:
        self.kind = kind
        self.entry = entry
        self.limits = limits
        self._tiers = tiers
        self._tier: TierName | None = None

    def who(self, account: Account) -> str:
        """The beginning of a sentence about what the plugin does for an account."""
        return f"{self.kind.noun} {account.name!r}: the plugin {self.entry.name!r}"

    async def load(self, account: Account) -> Connection:
        """A new process with the plugin loaded. Raises ConfigError, and what `translated` takes."""
        if sys.platform != "linux":
            raise ConfigError(
                f"{self.kind.noun} {account.name!r}: third-party plugins run on Linux, which confines them",
                hint="run the worker in a container",
            )
        grants = grants_of(account, self.kind.noun)
        self._check_needs(account, grants)
        scratch = tempfile.mkdtemp(prefix="tamma-plugin-")
        try:
            view = await asyncio.to_thread(confinement.view_of, self.entry, scratch, grants.read)
            tier = await self._choose(view, grants)
            words = confinement.python("-m", self.kind.child, str(self.limits.memory_bytes))
            argv = confinement.command_line(tier, view, words)
            env = confinement.environment(view, tier)
            connection = await Connection.open(argv, env, self.kind.vocabulary, self.limits, scratch)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        try:
            message = messages.Load(self.entry.name, self.entry.target)
            await connection.ask(message, messages.Loaded, self.limits.start_seconds)
        except BaseException:
            await connection.close()
            raise
        _log.debug("a plugin's process runs", plugin=self.entry.name, sandbox=tier, pid=connection.pid)
        return connection

    def apart(self, account: Account, then: Callable[[Connection], Awaitable[T]]) -> T:
        """`then` with the loaded plugin, in a process and a loop of its own: the caller's may be running.

        Blocks. Raises what `starting` raises.
        """

        async def run() -> T:
            with self.starting(account):
                connection = await self.load(account)
                try:
                    return await then(connection)
                finally:
                    await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()

    async def _choose(self, view: confinement.View, grants: Grants) -> TierName:
        if self._tier is None:
            try:
                self._tier = await asyncio.to_thread(confinement.choose, self._tiers, view)
            except ConfigError:
                if not grants.allow_none:
                    raise
                _log.warning("a plugin runs without a sandbox: its entry allows it", plugin=self.entry.name)
                return "none"
        return self._tier

    def _check_needs(self, account: Account, grants: Grants) -> None:
        missing = [
            path
            for path in confinement.needs_of(self.entry)
            if not any(path == given or path.startswith(given.rstrip("/") + "/") for given in grants.read)
        ]
        if missing:
            listed = ", ".join(f'"{path}"' for path in missing)
            raise ConfigError(
                f"{self.who(account)} needs to read {listed}",
                hint=f'allow it by "options": {{"sandbox": {{"read": [{listed}]}}}}'
                f" in the {self.kind.noun}'s entry",
            )

    @contextmanager
    def translated(self, account: Account) -> Generator[None]:
        """Errors of the process, while it serves, as ours."""
        who = self.who(account)
        try:
            yield
        except PluginFailure as error:
            self._note(account, error.failure.type, error.failure.traceback)
            raise error_of(error.failure, self.kind, account, self.entry.name) from None
        except PluginEnded as error:
            self._note(account, error.reason, error.last_words)
            raise self.kind.error(
                self.kind.ended,
                clean(f"{who} failed: {error.reason}", account),
                account,
                hint="the next call starts it again; the log has what it wrote last",
            ) from None
        except Unsendable as error:
            raise self.kind.error(self.kind.too_long, str(error), account) from None
        except TimeoutError:
            raise self.kind.error(
                self.kind.late,
                f"{who} gave no answer in time",
                account,
                hint=f"the times of the {self.kind.noun}'s entry count, and"
                f" {self.limits.operation_seconds:.0f} s for any plugin",
            ) from None

    @contextmanager
    def starting(self, account: Account) -> Generator[None]:
        """Errors of the process while it starts: those that no retry mends are the configuration's."""
        who = f"{self.who(account)} of {self.entry.distribution}"
        try:
            yield
        except PluginFailure as failed:
            self._note(account, failed.failure.type, failed.failure.traceback)
            error = error_of(failed.failure, self.kind, account, self.entry.name)
            raise (
                ConfigError(str(error), hint=error.hint) if type(error) is self.kind.base else error
            ) from None
        except PluginEnded as ended:
            self._note(account, ended.reason, ended.last_words)
            raise ConfigError(
                clean(f"{who} failed while it started: {ended.reason}", account),
                hint="the log has what it wrote last",
            ) from None
        except TimeoutError:
            raise ConfigError(
                f"{who} did not start within {self.limits.start_seconds:.0f} s",
                hint="does it call its service, or load something large, while it starts?",
            ) from None
        except (OSError, Unsendable) as error:
            raise ConfigError(f"{who} cannot be started: {error}") from error

    def _note(self, account: Account, what: str, words: str) -> None:
        if words:
            _log.warning(
                "a plugin failed",
                plugin=self.entry.name,
                what=clean(what, account),
                said=clean(words, account, limit=8000),
                **{self.kind.noun: account.name},
            )


def told(error: TammaError) -> str:
    """An error as one sentence for people who look at a list."""
    return f"{error} ({error.hint})" if error.hint else str(error)
