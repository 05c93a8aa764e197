"""A third party's platform, run in a process of its own: to everybody else a platform like any other.

A crash there is an error here: ConfigError where it happens at the start, Transient later. The next call
starts the process anew, a bounded number of times a minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import replace
from typing import Any, cast

from tamma.errors import BadCredentials, TammaError
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.plugins import messages
from tamma.platforms.plugins.kind import KIND, account_of
from tamma.platforms.plugins.methods import Method, functions, method
from tamma.platforms.plugins.policy import allowed
from tamma.platforms.plugins.settings import told_settings
from tamma.plugins.confinement import TIERS, TierName
from tamma.plugins.connection import Connection
from tamma.plugins.host import Host, grants_of, told
from tamma.plugins.kind import Account
from tamma.plugins.limits import Limits
from tamma.plugins.messages import Problems
from tamma.plugins.process import Process
from tamma.plugins.side import Side
from tamma.registry import Entry

_BLOCKED_SECONDS = 10.0
"""For methods that are no coroutines, the start of the process included: the caller's loop may stand still.
GitHub and GitLab give up on a webhook after 10 s."""
_TOKENS_KNOWN = 4
"""Tokens that calls under way may still repeat."""


class HostedPlugin:
    """The PlatformPlugin of an entry point. Its code runs in the processes of its platforms, never here."""

    def __init__(self, entry: Entry, tiers: Sequence[TierName] = TIERS, limits: Limits | None = None) -> None:
        self.name = entry.name
        self.version = entry.version
        self._host = Host(KIND, entry, tuple(tiers), limits or Limits())

    def create_platform(self, settings: PlatformSettings) -> Platform:
        """See `PlatformPlugin`. The plugin's own `create_platform` is called when this one is started."""
        grants_of(account_of(settings), self._host.kind.noun)
        return cast("Platform", HostedPlatform(self._host, settings))

    def validate_config(self, settings: PlatformSettings) -> Sequence[str]:
        """Asks the plugin, in a process of its own. Blocks for the time of its start."""

        async def ask(connection: Connection) -> Sequence[str]:
            message = messages.Validate(told_settings(settings, settings.token))
            return (await connection.ask(message, Problems, self._host.limits.start_seconds)).sentences

        try:
            return self._host.apart(account_of(settings), ask)
        except TammaError as error:
            return (told(error),)

    def detect_from_url(self, url: str) -> bool:
        """Asks the plugin likewise, without what may be secret in the address. Raises what a start raises."""

        async def ask(connection: Connection) -> bool:
            seconds = self._host.limits.start_seconds
            return (await connection.ask(messages.Detect(bare(url)), messages.Detected, seconds)).ours

        return self._host.apart(Account(self.name), ask)

    def examine(self) -> str | None:
        """Load the plugin in a process of its own, and say what is wrong with it. Blocks likewise."""

        async def loaded(_connection: Connection) -> None:
            return None

        try:
            return self._host.apart(Account(self.name), loaded)
        except TammaError as error:
            return told(error)


class HostedPlatform:
    """A Platform whose every call is made in the plugin's process.

    The process is spoken with from a thread of its own, so that the two methods of webhooks, which are no
    coroutines, can wait for it from anywhere.
    """

    def __init__(self, host: Host, settings: PlatformSettings) -> None:
        self._host = host
        self._settings = settings
        self._token = settings.token
        self._side = Side(f"tamma-plugin-{settings.id}")
        self._process = Process(host, account_of(settings), self._open)

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    @property
    def pid(self) -> int | None:
        """The outermost of the plugin's processes, while it runs."""
        return self._process.pid

    async def start(self) -> None:
        """Start the process and the plugin's platform in it.

        Raises ConfigError where either fails, and what the plugin's platform raises of ours (BadCredentials).
        """
        await self._current_token()
        try:
            await self._side.run(self._process.connected())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the plugin's platform and end its process."""
        await self._side.run(self._process.close())
        await self._side.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Every method of the protocol, but those above."""
        if name not in functions():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        meant = method(name)

        async def call(*args: object, **kwargs: object) -> Any:
            return await self._call(meant, args, kwargs)

        def wait(*args: object, **kwargs: object) -> Any:
            return self._wait(meant, args, kwargs)

        made = call if meant.waits else wait
        made.__name__ = name
        return made

    async def _call(self, meant: Method, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """A call, once more with another token where the first was refused and there is one."""
        token = await self._current_token()
        try:
            return await self._side.run(self._ask(meant, meant.asked(token, args, kwargs)))
        except BadCredentials:
            tokens = self._settings.tokens
            if tokens is None or token is None or not await tokens.refused(token):
                raise
        token = await self._current_token()
        return await self._side.run(self._ask(meant, meant.asked(token, args, kwargs)))

    def _wait(self, meant: Method, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """A call that blocks, for a bounded time. It reaches no service, so that any token will do."""
        future = self._side.submit(self._ask(meant, meant.asked(self._token, args, kwargs)))
        try:
            return future.result(_BLOCKED_SECONDS)
        except TookTooLong:
            future.cancel()
            account = self._process.account
            raise self._host.kind.error(
                self._host.kind.late,
                f"{self._host.who(account)} gave no answer to {meant.name} within {_BLOCKED_SECONDS:.0f} s",
                account,
                hint="it is asked again with the next delivery",
            ) from None

    async def _ask(self, meant: Method, message: object) -> Any:
        """In the side's loop."""
        connection = await self._process.connected()
        with self._host.translated(self._process.account):
            answer = await connection.ask(message, meant.result, self._host.limits.operation_seconds)
        value = meant.value_of(answer)
        allowed(value, self._settings, self._host.entry.name)
        return value

    async def _open(self, connection: Connection) -> None:
        message = messages.Open(told_settings(self._settings, self._token))
        await connection.ask(message, messages.Opened, self._host.limits.start_seconds)

    async def _current_token(self) -> str | None:
        """In the caller's loop, to which the source of tokens belongs."""
        if self._settings.tokens is not None:
            self._token = await self._settings.tokens.token()
            account = self._process.account
            if self._token is not None and self._token not in account.secrets:
                fixed = account_of(self._settings).secrets
                recent = account.secrets[len(fixed) :][-_TOKENS_KNOWN + 1 :]
                self._process.account = replace(account, secrets=(*fixed, *recent, self._token))
        return self._token


def bare(url: str) -> str:
    """An address of a repository without what may be secret in it."""
    address = re.split(r"[?#]", url, maxsplit=1)[0]
    if re.match(r"(?i)https?://", address):  # the name of a user can be a token there
        return re.sub(r"^(\w+://)[^/]*@", r"\1", address)
    return re.sub(r"^((?:\w[\w+.-]*://)?[^/@:]*):[^/@]*@", r"\1@", address)
