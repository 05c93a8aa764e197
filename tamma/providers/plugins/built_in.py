"""A provider of our own, seen as a plugin: one form for the pools and the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from tamma.errors import TammaError
from tamma.providers.interface import Provider, ProviderSettings
from tamma.registry import Entry, load_class


class BuiltIn:
    """The ProviderPlugin of a class whose instances are providers."""

    def __init__(self, entry: Entry) -> None:
        """Load the class. Raises ConfigError."""
        self.name = entry.name
        self.version = entry.version
        self._make = cast("Callable[[ProviderSettings], Provider]", load_class(entry, "provider"))

    def create_provider(self, settings: ProviderSettings) -> Provider:
        """See `ProviderPlugin`."""
        return self._make(settings)

    def validate_config(self, settings: ProviderSettings) -> Sequence[str]:
        """Making a provider imports no SDK and makes no call, and says what is wrong first."""
        try:
            self._make(settings)
        except TammaError as error:
            return (f"{error}: {error.hint}" if error.hint else str(error),)
        return ()
