"""A round over each real account whose token is in the environment; the others are skipped by name.

`NAME_TOKEN_TEST` is the token and `NAME_REPOSITORY_TEST` a repository to play in (`owner/name`), where
`NAME_BASE_URL_TEST` and `NAME_USERNAME_TEST` say the rest. Branches begin with `test-` and are removed.
"""

from __future__ import annotations

import os

import pytest

from tamma import registry
from tamma.model.repository import RepoRef
from tamma.platforms.interface import API_COMMITS, PlatformSettings
from tests.platforms.round import Round

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ACCOUNTS = {
    "GITHUB": "github",
    "GITLAB": "gitlab",
    "GITEA": "gitea",
    "FORGEJO": "forgejo",
    "BITBUCKET": "bitbucket",
    "BITBUCKET_DC": "bitbucket-dc",
    "AZURE_DEVOPS": "azure-devops",
}


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_round(name: str, bill: list[str]) -> None:
    token, repository = (os.environ.get(f"{name}_{what}_TEST") for what in ("TOKEN", "REPOSITORY"))
    if not token or not repository:
        pytest.skip(f"{name}_TOKEN_TEST and {name}_REPOSITORY_TEST are not set")
    settings = PlatformSettings(
        f"live-{name.lower()}",
        ACCOUNTS[name],
        os.environ.get(f"{name}_BASE_URL_TEST"),
        token,
        username=os.environ.get(f"{name}_USERNAME_TEST", ""),
    )
    platform = registry.platforms.get(settings.type).create_platform(settings)
    owner, _, repo = repository.rpartition("/")
    await platform.start()
    try:
        able = await platform.capabilities()
        if API_COMMITS not in able:
            pytest.skip(f"{settings.type} takes no commits by its API: a round needs one")
        taken = Round(platform, RepoRef(settings.id, owner, repo))
        await taken.take()
        bill.append(f"{settings.type}: {', '.join(taken.did)}")
    finally:
        await platform.close()
