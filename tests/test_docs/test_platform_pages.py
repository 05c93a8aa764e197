"""Each platform has its page, with the same headings, and examples that the adapters take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tamma import registry
from tamma.config.load import load_config
from tamma.config.resolve import settings_for_platform
from tamma.platforms.azure.pulls import DESCRIPTION_LIMIT
from tamma.platforms.azure.threads import COMMENT_LIMIT
from tamma.platforms.bitbucket_cloud.pulls import TITLE_LIMIT as BITBUCKET_TITLE
from tamma.platforms.bitbucket_cloud.talk import BODY_LIMIT as BITBUCKET_TEXT
from tamma.platforms.bitbucket_dc.pulls import TITLE_LIMIT as DATA_CENTER_TITLE
from tamma.platforms.bitbucket_dc.talk import TEXT_LIMIT as DATA_CENTER_TEXT
from tamma.platforms.gitea.drafts import TITLE_LIMIT as GITEA_TITLE
from tamma.platforms.gitea.issues import BODY_LIMIT as GITEA_TEXT
from tamma.platforms.github.client import API_VERSION
from tamma.platforms.github.issues import BODY_LIMIT as GITHUB_TEXT
from tamma.platforms.github.pulls import TITLE_LIMIT as GITHUB_TITLE
from tamma.platforms.gitlab.issues import TEXT_LIMIT as GITLAB_TEXT
from tamma.platforms.jira.issues import TEXT_LIMIT as JIRA_TEXT
from tamma.resilience import breaker
from tests.test_docs.matrix import PAGE, tables
from tests.test_docs.pages import ROOT, Snippet, blocks, name_of, prose

FOLDER = ROOT / "docs/platforms"
HEADINGS = (
    "Set up",
    "Example",
    "Trackers beside it",
    "What works and what not",
    "Webhooks",
    "Limits and quirks",
)
OPTIONAL = {"Trackers beside it"}
TYPES = sorted(set(registry.PLATFORMS) - {"memory"})
_UNKNOWN = frozenset({"bitbucket", "bitbucket-dc", "jira"}) - set(registry.PLATFORMS)
"""Types that the configuration takes and no adapter is for yet."""
_REFERENCE = re.compile(r'"env:(\w+)"')
PAGES = [page for page in sorted(FOLDER.glob("*.md")) if page != PAGE]


def entries(snippet: Snippet) -> list[dict[str, Any]]:
    return json.loads(snippet.text).get("platforms", {}).get("available", [])


EXAMPLES = [snippet for snippet in blocks("json") if entries(snippet)]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_adapters_take_the_examples(example: Snippet, tmp_path: Path) -> None:
    """Files are made where the example says they are, below a folder of the test's own."""
    text = re.sub(r'"(file:)?(/(?:etc|run|srv)/[^"]+)"', rf'"\g<1>{tmp_path}\g<2>"', example.text)
    for name in re.findall(rf'{tmp_path}(/[^"]+)', text):
        (tmp_path / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name[1:]).write_text("canary\n")
        (tmp_path / name[1:]).chmod(0o600)
    file = tmp_path / "config.json"
    file.write_text(text)
    env = {**dict.fromkeys(_REFERENCE.findall(text), "canary-0123456789"), "TAMMA_HOME": str(tmp_path)}
    loaded = load_config(env=env, config_path=file)
    for entry in entries(example):
        kind = entry["platformType"]
        if kind not in _UNKNOWN and "keyring:" not in json.dumps(entry):  # the tests' machine has no keychain
            settings = settings_for_platform(loaded, entry["platformId"])
            assert list(registry.platforms.get(kind).validate_config(settings)) == [], entry


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_a_page_and_an_example_on_it(kind: str) -> None:
    rows = re.findall(rf"^ *\| `{kind}` \| \[[^\]]+\]\(([\w-]+\.md)\)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows, f"{name_of(PAGE)} links no page of {kind}"
    shown = [it for it in EXAMPLES if it.page == FOLDER / rows[0] and f'"platformType": "{kind}"' in it.text]
    assert shown, f"{rows[0]} has no example of {kind}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_have_the_same_headings(page: Path) -> None:
    found = re.findall(r"^## (.+)$", prose(page), re.MULTILINE)
    assert found == [each for each in HEADINGS if each in found or each not in OPTIONAL]


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("github", (GITHUB_TEXT, GITHUB_TITLE)),
        ("gitlab", (GITLAB_TEXT,)),
        ("gitea", (GITEA_TEXT, GITEA_TITLE)),
        ("forgejo", (GITEA_TEXT, GITEA_TITLE)),
        ("azure-devops", (DESCRIPTION_LIMIT, COMMENT_LIMIT)),
        ("bitbucket", (BITBUCKET_TEXT, BITBUCKET_TITLE)),
        ("bitbucket-dc", (DATA_CENTER_TEXT, DATA_CENTER_TITLE)),
        ("jira", (JIRA_TEXT,)),
    ],
)
def test_limits_of_texts_are_the_adapters(kind: str, named: tuple[int, ...]) -> None:
    _, limits = tables("Versions and limits")
    numbers = re.findall(r"[\d,]*\d", limits[kind]["a text holds"])
    assert {f"{number:,}" for number in named} <= set(numbers)


def test_versions_and_the_breaker_are_as_in_the_code() -> None:
    versions, limits = tables("Versions and limits")
    assert set(versions) == set(limits) == set(TYPES)
    assert API_VERSION in versions["github"]["API and servers"]
    assert (breaker.FAILURES, breaker.WINDOW, breaker.COOLDOWN) == (5, 60, 300), "the page says five of each"
