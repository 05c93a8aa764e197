"""The examples of provider entries are taken by the adapters themselves, and each type has its page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tamma import registry
from tamma.config.built_in import BUILT_IN
from tamma.config.load import load_config
from tamma.config.resolve import routes, settings_for_provider
from tamma.providers.mcp import options as mcp
from tamma.providers.openrouter import options as openrouter
from tamma.providers.zai import provider as zai
from tests.test_docs.pages import ROOT, Snippet, blocks

_REFERENCE = re.compile(r'"env:(\w+)"')
_INVENTED = frozenset({"house-llm"})
"""The type of the guide for writers, whose own test runs it."""
PROVIDERS = ROOT / "docs/providers"


def entries(snippet: Snippet) -> list[dict[str, Any]]:
    return json.loads(snippet.text).get("providers", {}).get("available", [])


EXAMPLES = [snippet for snippet in blocks("json") if entries(snippet)]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_adapters_take_the_examples(example: Snippet, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(example.text)
    named = _REFERENCE.findall(example.text + json.dumps(BUILT_IN))
    env = {**dict.fromkeys(named, "canary-key-0123456789"), "TAMMA_HOME": str(tmp_path)}
    loaded = load_config(env=env, config_path=file)
    for entry in entries(example):
        if entry["providerType"] in _INVENTED:
            continue
        settings = settings_for_provider(loaded, entry["providerId"])
        assert registry.providers.get(settings.type).validate_config(settings) == (), entry
    assert routes(loaded) is not None


@pytest.mark.parametrize("kind", sorted(registry.PROVIDERS))
def test_every_type_has_an_example_on_its_page(kind: str) -> None:
    shown = [it for it in EXAMPLES if it.page.parent == PROVIDERS and f'"providerType": "{kind}"' in it.text]
    assert shown, f"docs/providers has no example of {kind}"
    assert f"| `{kind}` |" in (PROVIDERS / "README.md").read_text("utf-8")


def test_the_page_about_steps_shows_what_it_says(tmp_path: Path) -> None:
    (example,) = [it for it in EXAMPLES if it.page.name == "routing.md"]
    file = tmp_path / "config.json"
    file.write_text(example.text)
    found = routes(load_config(env={"TAMMA_HOME": str(tmp_path)}, config_path=file))
    assert [str(link) for link in found.steps["review"]] == ["openai", "anthropic-claude"]
    assert [str(link) for link in found.fallbacks] == ["openai", "local-llm/qwen3-coder"]


def test_the_example_of_a_providers_file_is_read(tmp_path: Path) -> None:
    page = PROVIDERS / "README.md"
    (example,) = [it for it in blocks("text") if it.page == page and it.text.startswith('{"providers"')]
    (tmp_path / "providers.json").write_text(example.text)
    loaded = load_config(env={"TAMMA_HOME": str(tmp_path)})
    assert "openai" in [entry.provider_id for entry in loaded.config.providers.available]


@pytest.mark.parametrize(
    ("page", "known"),
    [
        ("zai.md", set(zai._OPTIONS)),  # pyright: ignore[reportPrivateUsage] - held to the page
        ("openrouter.md", set(openrouter.OPTIONS)),
        ("zen-mcp.md", set(mcp._OPTIONS)),  # pyright: ignore[reportPrivateUsage] - held to the page
    ],
)
def test_pages_name_every_option(page: str, known: set[str]) -> None:
    """Those of the types that refuse options they do not know."""
    rows = re.findall(r"^\| (`.*?) \|", (PROVIDERS / page).read_text("utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == known


def test_the_page_about_openrouter_names_every_part_of_its_routing() -> None:
    text = (PROVIDERS / "openrouter.md").read_text("utf-8")
    assert [name for name in openrouter.ROUTING if f"`{name}`" not in text] == []
