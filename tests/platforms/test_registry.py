"""Built-in platforms in the form of plugins."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.errors import ConfigError
from tamma.platforms.interface import PlatformPlugin, PlatformSettings
from tamma.registry import Registry


class House:
    """Says by its class what `BuiltIn` asks for."""

    def __init__(self, settings: PlatformSettings) -> None:
        if not settings.base_url:
            raise ConfigError("a house has an address", hint="set baseUrl")
        self.settings = settings

    @staticmethod
    def problems(settings: PlatformSettings) -> Sequence[str]:
        return () if settings.username else ("a house has an owner",)

    @staticmethod
    def detect_from_url(url: str) -> bool:
        return url.startswith("https://house.example/")


class Shed:
    """Says nothing by its class."""

    def __init__(self, settings: PlatformSettings) -> None:
        self.settings = settings


def known() -> Registry[PlatformPlugin]:
    builtin = {"house": f"{__name__}:House", "shed": f"{__name__}:Shed"}
    return Registry("platform", builtin, "tamma.platforms", own="tamma.platforms.plugins.built_in:BuiltIn")


def test_a_class_says_what_is_wrong_with_an_entry_and_else_its_making_does() -> None:
    house = known().get("house")
    assert house.validate_config(PlatformSettings("h", "house")) == ("a house has an owner",)
    owned = PlatformSettings("h", "house", username="mona")
    assert house.validate_config(owned) == ("a house has an address: set baseUrl",)
    whole = PlatformSettings("h", "house", "https://house.example/api", username="mona")
    assert house.validate_config(whole) == ()
    assert house.create_platform(whole).settings is whole
    assert known().get("shed").validate_config(PlatformSettings("s", "shed")) == ()


def test_a_class_knows_its_addresses_or_none() -> None:
    assert known().get("house").detect_from_url("https://house.example/a/b")
    assert not known().get("house").detect_from_url("https://example.com/a/b")
    assert not known().get("shed").detect_from_url("https://shed.example/a/b")
