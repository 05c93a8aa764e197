"""Names of platforms: what is built in, in the form of plugins, and what others declare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tamma.errors import ConfigError
from tamma.platforms.interface import PlatformPlugin, PlatformSettings
from tamma.platforms.plugins.detection import claimants
from tamma.registry import Registry
from tests.support.plugins import PLATFORM, importable, install, platform_registry

FORGE = "sample_platform:PLUGIN"


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


def test_who_claims_an_address_is_told_by_name(tmp_path: Path) -> None:
    points = {"sample-forge": FORGE, "sample-raises": "sample_platform.raises:PLUGIN"}
    with importable(install(tmp_path, points=points, sample=PLATFORM)):
        assert claimants("https://forge.example/octo/hello", platform_registry()) == ("sample-forge",)
        assert claimants("https://example.com/octo/hello", platform_registry()) == ()
    assert claimants("https://forge.example/octo/hello", platform_registry()) == ()


def test_names_that_clash_are_given_to_none(tmp_path: Path) -> None:
    points = {"sample-forge": FORGE, "memory": FORGE}
    folders = [
        install(tmp_path / name, name=name, points=points, sample=PLATFORM) for name in ("first", "second")
    ]
    with importable(*folders):
        known = platform_registry()
        assert known.names() == ("memory",)
        problems = {(each.name, each.distribution): each.problem for each in known.list()}
        assert "declares the name of a built-in platform" in str(problems["memory", "first"])
        with pytest.raises(ConfigError, match="first and second declare the same name"):
            known.get("sample-forge")
        assert claimants("https://forge.example/octo/hello", known) == ()
