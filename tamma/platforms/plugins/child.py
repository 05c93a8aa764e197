"""The process that a platform of a third party runs in: `python -m tamma.platforms.plugins.child`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import ValidationError

from tamma.errors import Unsupported
from tamma.platforms.interface import Platform, PlatformPlugin, PlatformSettings
from tamma.platforms.plugins import messages
from tamma.platforms.plugins.kind import KIND
from tamma.platforms.plugins.methods import Method, method, named_by
from tamma.platforms.plugins.settings import Told, settings_of
from tamma.plugins.child import main
from tamma.plugins.messages import Problems, adapter_of


class Given:
    """A TokenSource: the token that the last call brought."""

    def __init__(self, token: str | None) -> None:
        self.now = token

    async def token(self) -> str | None:
        """See `TokenSource`."""
        return self.now

    async def refused(self, token: str) -> bool:
        """Whether another call has brought a newer one. Else raise BadCredentials: it is looked for then."""
        return self.now not in (None, token)


class PlatformWork:
    """One plugin, and at most one platform of it."""

    def __init__(self) -> None:
        self._plugin: PlatformPlugin | None = None
        self._platform: Platform | None = None
        self._tokens = Given(None)

    def take(self, plugin: PlatformPlugin) -> None:
        """See `tamma.plugins.child.Work`."""
        self._plugin = plugin

    async def answers(self, message: object) -> AsyncGenerator[object]:
        """See `tamma.plugins.child.Work`."""
        match message:
            case messages.Validate(told):
                problems = self._loaded.validate_config(self._settings(told))
                yield Problems(tuple(str(problem) for problem in problems))
            case messages.Detect(url):
                yield messages.Detected(bool(self._loaded.detect_from_url(url)))
            case messages.Open(told):
                self._platform = self._loaded.create_platform(self._settings(told))
                await self._platform.start()
                yield messages.Opened()
            case _:
                yield await self._call(message)

    async def close(self) -> None:
        """See `tamma.plugins.child.Work`."""
        if self._platform is not None:
            await self._platform.close()

    async def _call(self, message: Any) -> object:
        assert self._platform is not None
        meant = method(named_by(type(message).__name__) or "")
        self._tokens.now = message.with_token
        if not hasattr(self._platform, meant.name):
            raise Unsupported(meant.name, hint="the plugin does not have it: is it older than Tamma?")
        value = meant.carried_out(message, self._platform)
        return checked(meant, await value if inspect.isawaitable(value) else value)

    def _settings(self, told: Told) -> PlatformSettings:
        settings = settings_of(told, self._tokens)
        self._tokens.now = settings.token
        return settings

    @property
    def _loaded(self) -> PlatformPlugin:
        assert self._plugin is not None
        return self._plugin


def checked(meant: Method, value: object) -> object:
    """The result as a message. Raises TypeError where `value` is no such thing: better told here than at the
    other end, where it would pass for a broken process."""
    result = meant.answered(value)
    adapter = adapter_of(meant.result)
    try:
        adapter.validate_python({"value": value})  # its class
        adapter.validate_python(adapter.dump_python(result, warnings="none"))  # and all that it holds
    except (ValidationError, AttributeError) as error:
        steps = error.errors()[0]["loc"][1:] if isinstance(error, ValidationError) else ()
        inside = f" ({'.'.join(map(str, steps))})" if steps else ""
        what = f"a {type(value).__name__}{inside}"
        raise TypeError(f"{meant.name} answered with {what}, which is not what the protocol says") from None
    return result


if __name__ == "__main__":
    main(KIND, PlatformWork())
