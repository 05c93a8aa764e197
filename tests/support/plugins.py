"""The sample plugins of a third party, installed as a package is, and looked up as the registry does."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tamma.platforms.interface import PlatformPlugin
from tamma.providers.interface import ProviderPlugin
from tamma.registry import Registry

_FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Sample:
    """A project below `tests/fixtures` whose one package declares entry points of one group."""

    group: str
    source: Path
    package: str


PROVIDER = Sample("tamma.providers", _FIXTURES / "sample_provider_plugin", "sample_provider")
PLATFORM = Sample("tamma.platforms", _FIXTURES / "sample_platform_plugin", "sample_platform")
SOURCE = PROVIDER.source


def install(
    target: Path,
    *,
    name: str | None = None,
    points: Mapping[str, str] | None = None,
    sample: Sample = PROVIDER,
) -> Path:
    """The sample's package and the metadata of a wheel of it in `target`, as an installer leaves them."""
    project = tomllib.loads((sample.source / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"][sample.group] if points is None else points
    shutil.copytree(sample.source / sample.package, target / sample.package, dirs_exist_ok=True)
    distribution = name or project["name"]
    info = target / f"{distribution.replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {project['version']}\n"
    )
    lines = [f"{point} = {value}" for point, value in declared.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{sample.group}]", *lines, ""]))
    return target


@contextmanager
def importable(*folders: Path) -> Generator[None]:
    """Find packages in `folders`, too."""
    before = list(sys.path)
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before


def registry(builtin: Mapping[str, str] | None = None) -> Registry[ProviderPlugin]:
    """A registry of providers that has not looked around yet."""
    return Registry(
        "provider",
        builtin or {"scripted": "tamma.providers.scripted.provider:Scripted"},
        "tamma.providers",
        own="tamma.providers.plugins.built_in:BuiltIn",
        foreign="tamma.providers.plugins.hosted:HostedPlugin",
    )


def platform_registry() -> Registry[PlatformPlugin]:
    """A registry of platforms that has not looked around yet."""
    return Registry(
        "platform",
        {"memory": "tamma.platforms.memory.platform:MemoryPlatform"},
        "tamma.platforms",
        own="tamma.platforms.plugins.built_in:BuiltIn",
        foreign="tamma.platforms.plugins.hosted:HostedPlugin",
    )
