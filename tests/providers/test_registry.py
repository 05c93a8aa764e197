"""Names of adapters: what is built in, what others declare, and what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamma import __version__, registry
from tamma.errors import ConfigError
from tamma.providers.interface import ProviderSettings
from tamma.registry import Registry
from tests.support.pace import PROMPT, effort
from tests.support.plugins import importable, install
from tests.support.plugins import registry as fresh_registry

ECHO = {"sample-echo": "sample_provider:PLUGIN"}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Installs distributions of the sample, each in a folder of its own, in the order of the calls."""
    with importable():

        def add(name: str, points: dict[str, str]) -> None:
            folder = install(tmp_path / name, name=name, points=points)
            sys.path.append(str(folder))

        yield add


def problems() -> dict[tuple[str, str | None], str | None]:
    return {(entry.name, entry.distribution): entry.problem for entry in fresh_registry().list()}


def test_everything_built_in_is_a_plugin() -> None:
    assert set(registry.PROVIDERS) <= set(registry.providers.names())
    for name in registry.PROVIDERS:
        plugin = registry.providers.get(name)
        assert (plugin.name, plugin.version) == (name, __version__)
    for name in registry.PLATFORMS:
        platform = registry.platforms.get(name)
        assert (platform.name, platform.version) == (name, __version__)


def test_what_is_wrong_with_an_entry_is_told_in_sentences() -> None:
    plugin = registry.providers.get("local-llm")
    settings = ProviderSettings("mine", "local-llm", base_url="ftp://here")
    (sentence,) = plugin.validate_config(settings)
    assert "mine" in sentence
    assert "ftp" in sentence
    assert plugin.validate_config(ProviderSettings("mine", "local-llm", base_url="http://[::1]/v1")) == ()
    with pytest.raises(ConfigError):
        plugin.create_provider(settings)


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(ConfigError, match="'antropic-claude'") as raised:
        registry.providers.get("antropic-claude")
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("did you mean 'anthropic-claude'? choose one of: ")
    assert all(name in raised.value.hint for name in registry.PROVIDERS)
    with pytest.raises(ConfigError) as raised:
        registry.platforms.get("zzz")
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("choose one of: ")


def test_a_class_of_this_process_can_be_registered() -> None:
    known = fresh_registry()
    known.register("house", "tamma.providers.scripted.provider:Scripted")
    assert "house" in known.names()
    assert known.get("house").create_provider(ProviderSettings("x", "house")).settings.name == "x"
    known.register("house", "tamma.providers.scripted.provider:NoSuch")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        known.get("house")
    known.register("house", "tamma.nowhere:Class")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        known.get("house")
    known.register("house", "tamma.providers.interface:complete")
    with pytest.raises(ConfigError, match="is not a class"):
        known.get("house")


def test_what_others_declare_is_listed_without_running_it(installed: Callable[..., None]) -> None:
    installed("one", {**ECHO, "sample-raises": "sample_provider.raises:PLUGIN"})
    listed = {entry.name: entry for entry in fresh_registry().list()}
    echo = listed["sample-echo"]
    assert (echo.distribution, echo.version, echo.problem) == ("one", "1.2.3", None)
    assert "sample-raises" in listed
    plugin = fresh_registry().get("sample-raises")
    assert (plugin.name, plugin.version) == ("sample-raises", "1.2.3")
    assert "sample_provider" not in sys.modules


def test_a_built_in_name_is_not_given_away(installed: Callable[..., None]) -> None:
    installed("thief", {**ECHO, "scripted": "sample_provider:PLUGIN"})
    assert problems() == {
        ("scripted", None): None,
        ("scripted", "thief"): "thief declares the name of a built-in provider",
        ("sample-echo", "thief"): None,
    }
    assert fresh_registry().get("scripted").version == __version__
    assert fresh_registry().names() == ("sample-echo", "scripted")


def test_of_two_with_one_name_neither_is_used(installed: Callable[..., None]) -> None:
    installed("second", ECHO)
    installed("first", {**ECHO, "sample-other": "sample_provider:PLUGIN"})
    why = "first and second declare the same name: uninstall all but one"
    found = problems()
    assert found["sample-echo", "first"] == found["sample-echo", "second"] == why
    assert found["sample-other", "first"] is None
    with pytest.raises(ConfigError, match=why):
        fresh_registry().get("sample-echo")
    assert "sample-echo" not in fresh_registry().names()


def test_a_distribution_found_twice_is_one(tmp_path: Path) -> None:
    folders = [install(tmp_path / name, points=ECHO) for name in ("a", "b")]
    with importable(*folders):
        assert problems()["sample-echo", "sample-provider"] is None


@pytest.mark.parametrize("target", ["", "no module", "a:b:c", "../x"])
def test_a_malformed_declaration_disturbs_no_other(installed: Callable[..., None], target: str) -> None:
    installed("broken", {"sample-bad": target})
    installed("good", ECHO)
    found = problems()
    assert "is no entry point" in str(found["sample-bad", "broken"])
    assert found["sample-echo", "good"] is None
    with pytest.raises(ConfigError, match="is no entry point"):
        fresh_registry().get("sample-bad")


@pytest.mark.parametrize("metadata", [None, b"", b"\xff\xfe"], ids=["none", "empty", "not text"])
def test_broken_metadata_disturb_no_other(tmp_path: Path, metadata: bytes | None) -> None:
    broken = install(tmp_path / "broken", name="broken", points={"sample-bad": "sample_provider:PLUGIN"})
    (path,) = broken.glob("*.dist-info")
    if metadata is None:
        (path / "METADATA").unlink()
    else:
        (path / "METADATA").write_bytes(metadata)
    mute = install(tmp_path / "mute", name="mute", points=ECHO)
    (path,) = mute.glob("*.dist-info")
    (path / "entry_points.txt").write_bytes(b"\xff[tamma.providers]\nno equals sign")
    good = install(tmp_path / "good", name="good", points=ECHO)
    with importable(broken, mute, good):
        assert problems()["sample-echo", "good"] is None


def test_a_class_of_a_third_party_may_fail_in_any_way(
    installed: Callable[..., None],
) -> None:
    """Platforms run in our process; providers do not."""
    installed("house", {"raises": "sample_provider.raises:X", "none": "sample_provider:Nowhere"})
    known: Registry[type] = Registry("platform", {}, "tamma.providers")
    for name, why in (("raises", "this module cannot be imported"), ("none", "Nowhere")):
        with pytest.raises(ConfigError, match=why):
            known.get(name)
    for name in [name for name in sys.modules if name.startswith("sample_provider")]:
        del sys.modules[name]
    assert known.names() == ("none", "raises")


def test_a_look_up_takes_no_time() -> None:
    registry.providers.list()

    def look_up() -> None:
        for _ in range(500):
            registry.providers.get("scripted")

    assert effort(look_up) < 5


def test_the_first_look_around_is_quick() -> None:
    code = (
        "import time, tamma.registry as r; begun = time.perf_counter(); r.providers.list();"
        "print(time.perf_counter() - begun)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < PROMPT, "all installed packages' metadata are read"
