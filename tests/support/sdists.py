"""Real projects as Git repositories: releases from the package index that `.ci/install-peers` has fetched.

Nothing of them is part of this project. A release is unpacked at test time and becomes a first commit whose
sha depends on its files alone, so that a forge which is given the same files has the same commit.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SDISTS = ROOT / ".peers" / "sdists"
WHEELS = ROOT / ".peers" / "wheels"
FETCH = "fetch it with `bash .ci/install-peers projects`"

AUTHOR = ("Release Manager", "releases@example.com", "2024-01-02T03:04:05+00:00")
"""Name, address and time of every first commit."""
MESSAGE = "Import the release"


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a project on the package index."""

    name: str
    version: str
    generated: tuple[str, ...] = ()
    """Files that its build adds to those of its repository."""

    def archive(self) -> Path:
        """Its source distribution. Skips the test, visibly, where it was not fetched."""
        found = SDISTS / f"{self.name}-{self.version}.tar.gz"
        if not found.exists():
            pytest.skip(f"{self.name} {self.version} is not in {SDISTS}: {FETCH}")
        return found

    def unpack(self, folder: Path) -> Path:
        """Its files in a new folder, as its repository has them: what the build added is left out."""
        folder.mkdir(parents=True)
        with tarfile.open(self.archive()) as packed:
            for member in packed.getmembers():
                top, _, path = member.name.partition("/")
                added = path == "PKG-INFO" or ".egg-info/" in f"{path}/" or path in self.generated
                if not path or added:
                    continue
                assert top == f"{self.name}-{self.version}", member.name
                packed.extract(member.replace(name=path), folder, filter="data")
        return folder


def wheels() -> Path:
    """The folder that serves as package index. Skips the test where it was not filled."""
    if not WHEELS.is_dir() or not any(WHEELS.iterdir()):
        pytest.skip(f"there is no package in {WHEELS}: {FETCH}")
    return WHEELS


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, as the release manager."""
    name, address, time = AUTHOR
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", address), ("DATE", time))
    }
    done = subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **who}
    )
    return done.stdout.strip()


def checkout_of(releases: Mapping[str, Release], folder: Path) -> Path:
    """A repository with releases in folders (`""` is the root) as its first commit on `main`, checked out."""
    for place, release in releases.items():
        release.unpack(folder / place)
    git(folder, "init", "-q", "-b", "main")
    # Everything that was released, whatever the project's own ignore rules say.
    git(folder, "add", "--force", ".")
    git(folder, "commit", "-q", "-m", MESSAGE)
    return folder


def bare_of(release: Release, folder: Path) -> Path:
    """The same as a bare repository."""
    seed = checkout_of({"": release}, folder / "seed")
    bare = folder / "remote.git"
    git(folder, "clone", "-q", "--bare", str(seed), str(bare))
    return bare


@dataclass(frozen=True, slots=True)
class Proof:
    """A release's own test for a bug."""

    release: Release
    """The release whose test it is."""
    files: tuple[str, ...]
    """What that test needs of the release, files and folders."""
    command: tuple[str, ...]
    """Run as `python COMMAND` in the tree."""
    folder: str = ""
    """Where the project lies in the tree."""
    sources: str = ""
    """The folder that Python finds the project's packages in, where it is not the project's own."""


def prove(proof: Proof, repository: Path, revision: str, folder: Path) -> tuple[bool, str]:
    """Run the release's test against a revision's tree: whether it passes, and what it said."""
    name = hashlib.sha256(f"{repository} {revision}".encode()).hexdigest()[:12]
    tree, theirs = folder / f"tree-{name}", folder / f"release-{name}"
    tree.mkdir(parents=True)
    archive = folder / f"{name}.tar"
    git(repository, "archive", "-o", str(archive), revision)
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")
    proof.release.unpack(theirs)
    project = tree / proof.folder
    for path in proof.files:
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            target.rename(project / f"{path}-before")
        (theirs / path).replace(target)
    done = subprocess.run(
        [sys.executable, *proof.command],
        cwd=project,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(project / proof.sources),
        },
        timeout=120,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr
