from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platforms.conftest import emulate_url
from tests.real_projects.bugs import CACHETOOLS
from tests.real_projects.forges import Emulate, Forge, InProcess
from tests.real_projects.running import index_is_a_folder
from tests.support.forge.description import specs_folder
from tests.support.forge.faces.github.face import github_face
from tests.support.forge.server import ApiServer
from tests.support.forge.world import World
from tests.support.sdists import bare_of
from tests.support.temporal import client, temporal_address

__all__ = ["client", "emulate_url", "temporal_address"]


@pytest.fixture(autouse=True)
def local_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every project here installs from the fetched wheels."""
    index_is_a_folder(monkeypatch)


@pytest.fixture(params=["in-process", "emulate"])
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    """A GitHub that holds cachetools as it was released."""
    bare = bare_of(CACHETOOLS.release, tmp_path)
    if request.param == "emulate":
        yield Emulate(request.getfixturevalue("emulate_url"), "hello1", bare)
        return
    face = github_face()
    if face is None:
        pytest.skip(f"GitHub's published description is not in {specs_folder()}: set TAMMA_TEST_SPECS")
    with ApiServer(World(tmp_path / "world", hello=bare), face) as server:
        yield InProcess(server)
    assert server.violations == []
