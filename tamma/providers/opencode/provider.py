"""The provider type `opencode`: an `opencode serve`, or the Zen gateway with `{"gateway": "zen"}`."""

from __future__ import annotations

from tamma.errors import ConfigError
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.wrapper import Wrapper


class OpenCode(Wrapper):
    """What the option `gateway` chooses. Raises ConfigError for one that there is not."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(_chosen(settings))


def _chosen(settings: ProviderSettings) -> Provider:
    match settings.options.get("gateway"):
        case None:
            from tamma.providers.opencode.server import OpenCodeServer

            return OpenCodeServer(settings)
        case "zen":
            from tamma.providers.opencode.zen import Zen

            return Zen(settings)
        case other:
            raise ConfigError(
                f"provider {settings.name!r}: there is no gateway {other!r}",
                hint='leave "gateway" out for a server of your own, or choose "zen"',
            )
