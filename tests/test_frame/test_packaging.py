"""What is installed is whole, whether from the checkout or from a wheel.

`workflows` and `activities` are generic names that other distributions use too: Python must find ours.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("tamma", "workflows", "activities")
PIP = (sys.executable, "-m", "pip")
SHOW_PARENTS = (
    "import tamma, workflows, activities, pathlib;"
    "[print(pathlib.Path(m.__file__).parents[1]) for m in (tamma, workflows, activities)]"
)


def parents(cwd: Path, *options: str, **environment: str) -> set[Path]:
    """Where a fresh interpreter in `cwd` finds each of the three packages."""
    # -P: the working directory is not on the path, so that what is found is what is installed.
    ran = subprocess.run(
        [sys.executable, "-P", *options, "-c", SHOW_PARENTS],
        cwd=cwd,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {Path(line).resolve() for line in ran.stdout.splitlines()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as a release would be, with the locked backend and no network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder]
    ran = subprocess.run([*build, ROOT], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (built,) = folder.glob("tamma-*.whl")
    return built


def test_the_checkout_is_what_python_finds(tmp_path: Path) -> None:
    assert parents(tmp_path) == {ROOT}


def test_an_installed_wheel_is_what_python_finds(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [*PIP, "install", "--quiet", "--no-deps", "--no-index", "--target", target]
    subprocess.run([*install, wheel], check=True, capture_output=True)
    assert parents(tmp_path, PYTHONPATH=str(target)) == {target}


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert sorted({name for name in tracked if name} - packed) == []
    # Data, not only code: these are read at run time.
    assert "tamma/stack/temporal-dev.yaml" in packed
    assert "tamma/py.typed" in packed
    assert any(name.endswith(".sql") for name in packed)
    assert any(name.startswith("tamma/agents/") and name.endswith((".md", ".txt", ".j2")) for name in packed)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        cached = [name for name in archive.namelist() if name.endswith(".pyc")]
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert cached == []


def test_the_command_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "tamma = tamma.cli.main:main" in archive.read(entry_points).decode()
