"""The matrix of `docs/platforms/README.md` says of each platform what its adapter says of itself."""

from __future__ import annotations

import re

import pytest

from tamma.platforms.bitbucket_dc.profile import Profile
from tamma.platforms.gitea.profile import profile_of
from tamma.platforms.interface import CAPABILITIES
from tamma.registry import PLATFORMS
from tests.platforms.harness import Harness
from tests.platforms.registry import ENTRIES, Entry
from tests.test_docs.matrix import cells, matrix

_SINCE = re.compile(r"from (\d+)(?:\.(\d+))?")
TRACKERS = {"jira"}
"""They have no entry: test_jira.py asks them."""
SHOWN = [it for it in ENTRIES if (it.type or it.name) in matrix() and not it.peer]


def holds(cell: str, version: str) -> bool:
    """Whether a server of that version can what the cell says: `yes`, `no`, `from 1.25`."""
    since = _SINCE.fullmatch(cell)
    if since is None:
        assert cell in ("yes", "no"), f"{cell!r} is neither yes, no, nor `from` a version"
        return cell == "yes"
    here = re.match(r"(\d+)\.(\d+)", version)
    assert here is not None, f"{version!r} is no version to compare {cell!r} with"
    return (int(here[1]), int(here[2])) >= (int(since[1]), int(since[2] or 0))


def test_every_platform_has_a_row_that_is_asked() -> None:
    assert set(matrix()) == set(PLATFORMS) - {"memory"}
    assert {it.type or it.name for it in SHOWN} | TRACKERS == set(matrix())
    assert {capability for row in matrix().values() for capability in row} == CAPABILITIES


@pytest.mark.parametrize("entry", [pytest.param(it, id=it.name) for it in SHOWN], indirect=True)
async def test_a_row_is_what_the_adapter_says(entry: Entry, harness: Harness) -> None:
    version = await harness.platform.server_version()
    said = {name for name, cell in cells(entry.type or entry.name).items() if holds(cell, version)}
    assert said == await harness.platform.capabilities()


@pytest.mark.parametrize("version", ["7.21.0", "8.8.0", "8.9.0", "8.14.9", "8.15.0", "8.18.0", "10.0.0"])
def test_versions_of_bitbucket_are_those_that_the_profile_knows(version: str) -> None:
    said = {name for name, cell in cells("bitbucket-dc").items() if holds(cell, version)}
    assert said == Profile(version).capabilities


@pytest.mark.parametrize("kind", ["gitea", "forgejo"])
def test_versions_are_those_that_the_profile_knows(kind: str) -> None:
    """Of every version, not only of the one that the tests' server says it is."""
    numbers = [(1, minor) for minor in range(21, 30)] if kind == "gitea" else [(n, 0) for n in range(7, 20)]
    for major, minor in numbers:
        version = f"{major}.{minor}.0"
        profile = profile_of("gitea" if kind == "gitea" else "forgejo", version)
        said = {name for name, cell in cells(kind).items() if holds(cell, version)}
        assert said == profile.capabilities, version
