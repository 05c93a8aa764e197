"""Listing providers costs nothing: SDKs are imported when one is started."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tamma.errors import ConfigError
from tamma.providers.interface import ProviderSettings
from tamma.providers.openai.provider import OpenAI

HEAVY = ("anthropic", "openai", "httpx2", "httpx", "genai_prices", "pydantic", "structlog")
SDKS = ("anthropic", "openai", "httpx2", "httpx", "genai_prices", "pydantic")
ADAPTERS = (
    "tamma.providers.anthropic.provider, tamma.providers.local.provider, tamma.providers.scripted.provider, "
    "tamma.providers.openai.provider, tamma.providers.openrouter.provider, tamma.providers.zai.provider, "
    "tamma.providers.opencode.zen"
)


def imported_by(statement: str, modules: tuple[str, ...]) -> str:
    code = f"import sys; {statement}; print(*(name for name in {modules!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import tamma.providers",
        "import tamma.registry; tamma.registry.providers.names()",
        "import tamma.providers.interface",
    ],
)
def test_listing_imports_nothing_heavy(statement: str) -> None:
    assert imported_by(statement, HEAVY) == ""


def test_adapters_import_their_sdk_only_when_started() -> None:
    assert imported_by(f"import {ADAPTERS}", SDKS) == ""
    make = "from tamma.providers.interface import ProviderSettings as S; from tamma.registry import providers"
    kinds = ("anthropic-claude", "local-llm", "openai", "openrouter", "scripted", "zai")
    made = "; ".join(f"providers.get({kind!r}).create_provider(S('x', {kind!r}))" for kind in kinds)
    assert imported_by(f"{make}; {made}", SDKS) == ""


def test_a_local_model_needs_no_sdk() -> None:
    start = (
        "import asyncio; from tamma.providers.local.provider import LocalLLM; "
        "from tamma.providers.interface import ProviderSettings as S; "
        "asyncio.run(LocalLLM(S('x', 'local-llm')).start())"
    )
    assert imported_by(start, ("anthropic", "openai", "genai_prices", "pydantic")) == ""


def test_openai_is_imported_when_started_and_no_more_of_it_than_is_used() -> None:
    start = (
        "import asyncio; from tamma.providers.openai.provider import OpenAI; "
        "from tamma.providers.interface import ProviderSettings as S; "
        "asyncio.run(OpenAI(S('x', 'openai', api_key='canary-key')).start())"
    )
    assert imported_by(start, ("openai", "openai.resources.responses", "anthropic")) == "openai"


async def test_without_the_extra_the_hint_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    settings = ProviderSettings("mine", "openai", api_key="sk-canary-0123456789")
    with pytest.raises(ConfigError, match="not installed") as caught:
        await OpenAI(settings).start()
    assert "tamma[openai]" in (caught.value.hint or "")
