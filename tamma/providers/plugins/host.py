"""Starts the processes of one plugin, and turns what goes wrong in them into errors of ours."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import structlog

from tamma.errors import ConfigError, ProviderError, ProviderTimeout, StreamInterrupted, TammaError
from tamma.providers.interface import ProviderSettings
from tamma.providers.plugins import confinement, messages
from tamma.providers.plugins.confinement import TierName
from tamma.providers.plugins.connection import Connection, PluginEnded, PluginFailure
from tamma.providers.plugins.failures import clean, error_of
from tamma.providers.plugins.limits import Limits
from tamma.registry import Entry

_log = structlog.get_logger(__name__)
_CHILD = "tamma.providers.plugins.child"


@dataclass(frozen=True, slots=True)
class Grants:
    """`options.sandbox` of a provider's entry: what its user allows the plugin."""

    allow_none: bool = False
    """Run it without a sandbox, where none works."""
    read: tuple[str, ...] = ()


def grants_of(settings: ProviderSettings) -> Grants:
    """Raises ConfigError for another form than `{"allowNone": bool, "read": [path]}`."""
    given = settings.options.get("sandbox", {})
    known = cast("Mapping[str, object]", given if isinstance(given, Mapping) else {"?": given})
    allow_none, read = known.get("allowNone", False), known.get("read", ())
    paths = tuple(cast("list[object]", read)) if isinstance(read, list | tuple) else (read,)
    if not (
        set(known) <= {"allowNone", "read"}
        and isinstance(allow_none, bool)
        and all(isinstance(path, str) and path.startswith("/") for path in paths)
    ):
        raise ConfigError(
            f"provider {settings.name!r}: the option 'sandbox' is {given!r}",
            hint='write it like {"allowNone": false, "read": ["/absolute/path"]}',
        )
    return Grants(allow_none, tuple(str(path) for path in paths))


def passed_on(settings: ProviderSettings) -> ProviderSettings:
    """What the plugin is told: everything but what is said to us about it."""
    options = {name: value for name, value in settings.options.items() if name != "sandbox"}
    return replace(settings, options=options)


class Host:
    """Of one entry point. `tiers` are tried in order; what works here is found out once."""

    def __init__(self, entry: Entry, tiers: tuple[TierName, ...], limits: Limits) -> None:
        self.entry = entry
        self.limits = limits
        self._tiers = tiers
        self._tier: TierName | None = None

    async def load(self, settings: ProviderSettings) -> Connection:
        """A new process with the plugin loaded. Raises ConfigError, and what `translated` takes."""
        if sys.platform != "linux":
            raise ConfigError(
                f"provider {settings.name!r}: third-party plugins run on Linux, which confines them",
                hint="run the worker in a container",
            )
        grants = grants_of(settings)
        self._check_needs(settings, grants)
        scratch = tempfile.mkdtemp(prefix="tamma-plugin-")
        try:
            view = await asyncio.to_thread(confinement.view_of, self.entry, scratch, grants.read)
            tier = await self._choose(view, grants)
            words = confinement.python("-m", _CHILD, str(self.limits.memory_bytes))
            argv = confinement.command_line(tier, view, words)
            env = confinement.environment(view, tier)
            connection = await Connection.open(argv, env, self.limits, scratch)
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

    def _check_needs(self, settings: ProviderSettings, grants: Grants) -> None:
        missing = [
            path
            for path in confinement.needs_of(self.entry)
            if not any(path == given or path.startswith(given.rstrip("/") + "/") for given in grants.read)
        ]
        if missing:
            listed = ", ".join(f'"{path}"' for path in missing)
            raise ConfigError(
                f"provider {settings.name!r}: the plugin {self.entry.name!r} needs to read {listed}",
                hint=f'allow it by "options": {{"sandbox": {{"read": [{listed}]}}}} in the provider\'s entry',
            )

    @contextmanager
    def translated(self, settings: ProviderSettings) -> Generator[None]:
        """Errors of the process, while it serves, as ours."""
        who = f"provider {settings.name!r}: the plugin {self.entry.name!r}"
        try:
            yield
        except PluginFailure as error:
            self._note(settings, error.failure.type, error.failure.traceback)
            raise error_of(error.failure, settings, self.entry.name) from None
        except PluginEnded as error:
            self._note(settings, error.reason, error.last_words)
            raise StreamInterrupted(
                clean(f"{who} failed: {error.reason}", settings),
                hint="the next call starts it again; the log has what it wrote last",
                provider=settings.name,
            ) from None
        except TimeoutError:
            raise ProviderTimeout(
                f"{who} gave no answer in time",
                hint="`timeout` and `stallTimeout` of the provider's entry count, and"
                f" {self.limits.operation_seconds:.0f} s for any plugin",
                provider=settings.name,
            ) from None

    @contextmanager
    def starting(self, settings: ProviderSettings) -> Generator[None]:
        """Errors of the process while it starts: those that no retry mends are the configuration's."""
        who = f"provider {settings.name!r}: the plugin {self.entry.name!r} of {self.entry.distribution}"
        try:
            yield
        except PluginFailure as failed:
            self._note(settings, failed.failure.type, failed.failure.traceback)
            error = error_of(failed.failure, settings, self.entry.name)
            raise (
                ConfigError(str(error), hint=error.hint) if type(error) is ProviderError else error
            ) from None
        except PluginEnded as ended:
            self._note(settings, ended.reason, ended.last_words)
            raise ConfigError(
                clean(f"{who} failed while it started: {ended.reason}", settings),
                hint="the log has what it wrote last",
            ) from None
        except TimeoutError:
            raise ConfigError(
                f"{who} did not start within {self.limits.start_seconds:.0f} s",
                hint="does it call its service, or load something large, while it starts?",
            ) from None
        except OSError as error:
            raise ConfigError(f"{who} cannot be started: {error}") from error

    def _note(self, settings: ProviderSettings, what: str, words: str) -> None:
        if words:
            _log.warning(
                "a plugin failed",
                plugin=self.entry.name,
                provider=settings.name,
                what=clean(what, settings),
                said=clean(words, settings, limit=8000),
            )


def told(error: TammaError) -> str:
    """An error as one sentence for people who look at a list."""
    return f"{error} ({error.hint})" if error.hint else str(error)
