"""The sample plugin of a third party, installed as a package is, and looked up as the registry does."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tamma.providers.interface import ProviderPlugin
from tamma.registry import Registry

SOURCE = Path(__file__).parents[1] / "fixtures/sample_provider_plugin"


def install(target: Path, *, name: str = "sample-provider", points: Mapping[str, str] | None = None) -> Path:
    """The sample's packages and the metadata of a wheel of it in `target`, as an installer leaves them."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"]["tamma.providers"] if points is None else points
    shutil.copytree(SOURCE / "sample_provider", target / "sample_provider", dirs_exist_ok=True)
    info = target / f"{name.replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n")
    lines = [f"{point} = {value}" for point, value in declared.items()]
    (info / "entry_points.txt").write_text("\n".join(["[tamma.providers]", *lines, ""]))
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
