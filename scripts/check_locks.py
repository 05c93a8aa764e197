"""Do requirements/*.txt pin everything pyproject.toml asks for, hash it, and name no index?

Needs no network. `python scripts/check_locks.py` prints what is wrong and exits 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w, .-]+\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned release of one package. `marker` says for which Pythons and platforms, "" for all."""

    name: str
    version: str
    marker: str
    hashes: int


def parse_lock(text: str) -> tuple[list[Pin], list[str]]:
    """The pins of a lock, and every line that is neither a pin, a hash nor a comment."""
    pins: list[Pin] = []
    strange: list[str] = []
    for line in text.splitlines():
        if HASH.match(line) and pins:
            last = pins[-1]
            pins[-1] = Pin(last.name, last.version, last.marker, last.hashes + 1)
        elif found := PIN.match(line):
            pins.append(Pin(canonicalize_name(found["name"]), found["version"], found["marker"] or "", 0))
        elif (line and not line.startswith("#")) or "://" in line:
            strange.append(line)
    return pins, strange


def lock_problems(name: str, text: str, wanted: Iterable[Requirement]) -> list[str]:
    """What is wrong with one lock, as sentences. Empty when it is sound."""
    pins, strange = parse_lock(text)
    problems = [f"{name}: this line is no pin with hashes: {line!r}" for line in strange]
    problems += [f"{name}: {pin.name} {pin.version} has no hash" for pin in pins if not pin.hashes]
    for requirement in wanted:
        locked = [pin for pin in pins if pin.name == canonicalize_name(requirement.name)]
        if not locked:
            problems.append(f"{name}: {requirement} is not pinned")
        problems += [
            f"{name}: {pin.name} is pinned to {pin.version}, outside of {str(requirement)!r}"
            for pin in locked
            if not requirement.specifier.contains(pin.version, prereleases=True)
        ]
    return problems


def differing_pins(core: str, dev: str) -> list[str]:
    """Packages that users and tests would get in different versions."""
    tested = set(_releases(dev))
    return [
        f"{name} {version} is in core.txt, but dev.txt has another version"
        for name, version in _releases(core)
        if (name, version) not in tested
    ]


def direct_requirements(
    project: Mapping[str, Any], extras: Iterable[str], groups: Iterable[str]
) -> list[Requirement]:
    """What pyproject.toml asks for by name: its dependencies, those of `extras` and of `groups`."""
    table = project["project"]
    named = list(table["dependencies"])
    for extra in extras:
        named += table["optional-dependencies"][extra]
    for group in groups:
        named += _group_members(project["dependency-groups"], group)
    requirements = [Requirement(line) for line in named]
    # `all` names this very project with extras; those are listed on their own.
    return [each for each in requirements if canonicalize_name(each.name) != canonicalize_name(table["name"])]


def problems(root: Path) -> list[str]:
    """Everything that is wrong with the locks of the checkout at `root`."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    locks = root / "requirements"
    core, dev = ((locks / f"{name}.txt").read_text() for name in ("core", "dev"))
    every_extra = list(project["project"]["optional-dependencies"])
    return [
        *lock_problems("core.txt", core, direct_requirements(project, ["embedded"], ["build"])),
        *lock_problems("dev.txt", dev, direct_requirements(project, every_extra, ["dev"])),
        *(problem for path in sorted(locks.glob("*.in")) for problem in _problems_of(path)),
        *differing_pins(core, dev),
    ]


def _problems_of(path: Path) -> list[str]:
    """What is wrong with the lock of one `.in` file."""
    lines = path.read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    lock = path.with_suffix(".txt")
    return lock_problems(lock.name, lock.read_text() if lock.exists() else "", wanted)


def _releases(lock: str) -> Iterator[tuple[str, str]]:
    pins, _ = parse_lock(lock)
    return ((pin.name, pin.version) for pin in pins)


def _group_members(groups: Mapping[str, Any], name: str) -> list[str]:
    members: list[str] = []
    for entry in groups[name]:
        members += [entry] if isinstance(entry, str) else _group_members(groups, entry["include-group"])
    return members


def main() -> int:
    found = problems(ROOT)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print("hint: `make lock` writes the locks again", file=sys.stderr)
        return 1
    print("locks: everything is pinned within its range and hashed, and no index is named")
    return 0


if __name__ == "__main__":
    sys.exit(main())
