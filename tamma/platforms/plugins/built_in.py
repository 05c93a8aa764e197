"""A platform of our own, seen as a plugin: one form for the pools, the configuration and the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from tamma.errors import TammaError
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.registry import Entry, load_class


class BuiltIn:
    """The PlatformPlugin of a class whose instances are platforms (or trackers).

    The class may have two static methods: `problems(settings)` says what is wrong with an entry, where
    constructing would not tell all of it, and `detect_from_url(url)` whether a repository's address is
    this type's.
    """

    def __init__(self, entry: Entry) -> None:
        """Load the class. Raises ConfigError."""
        self.name = entry.name
        self.version = entry.version
        loaded = load_class(entry, "platform")
        self._make = cast("Callable[[PlatformSettings], Platform]", loaded)
        self._problems = cast(
            "Callable[[PlatformSettings], Sequence[str]] | None", getattr(loaded, "problems", None)
        )
        self._detects = cast("Callable[[str], bool] | None", getattr(loaded, "detect_from_url", None))

    def create_platform(self, settings: PlatformSettings) -> Platform:
        """See `PlatformPlugin`."""
        return self._make(settings)

    def validate_config(self, settings: PlatformSettings) -> Sequence[str]:
        """What the class says; where that is nothing, what making one says, which calls nobody."""
        try:
            found = () if self._problems is None else tuple(self._problems(settings))
            if not found:
                self._make(settings)
        except TammaError as error:
            return (f"{error}: {error.hint}" if error.hint else str(error),)
        return found

    def detect_from_url(self, url: str) -> bool:
        """As the class says; without a word from it, False: `tamma.platforms` knows the public hosts."""
        return self._detects is not None and self._detects(url)
