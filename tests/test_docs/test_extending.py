"""The code of `docs/extending/providers.md`, run as it stands there."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from tamma.errors import ModelNotFound
from tamma.model.conversation import FinishReason
from tamma.providers.interface import ProviderPlugin, ProviderSettings, complete
from tests.providers import test_contract as contract
from tests.providers.vendors.base import KEY, Call, HttpVendor, Said, ask, serve
from tests.providers.vendors.chat import LocalVendor
from tests.support import plugins
from tests.support.raw_http import Answer, RawServer, json_answer
from tests.test_docs.pages import ROOT, blocks

PAGE = ROOT / "docs/extending/providers.md"


def code(language: str, file: str) -> str:
    """The block of the page that says it is `file`."""
    found = [it.text for it in blocks(language) if it.page == PAGE and it.text.startswith(f"# {file}\n")]
    assert len(found) == 1, f"{PAGE.name} has {len(found)} blocks for {file}"
    return found[0]


def module(name: str, file: str) -> ModuleType:
    made = ModuleType(name)
    sys.modules[name] = made  # dataclasses look there
    exec(compile(code("python", file), file, "exec"), vars(made))
    return made


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page's package, installed as its `pyproject.toml` says; and importable here, for the suite."""
    site = tmp_path_factory.mktemp("house")
    project = tomllib.loads(code("toml", "pyproject.toml"))["project"]
    package = site / "house_llm"
    package.mkdir()
    (package / "__init__.py").write_text(code("python", "house_llm/__init__.py"))
    info = site / f"house_llm-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: house-llm\nVersion: {project['version']}\n")
    points = [f"{name} = {target}" for name, target in project["entry-points"]["tamma.providers"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[tamma.providers]", *points, ""]))
    before = set(sys.modules)
    with plugins.importable(site):
        import house_llm  # pyright: ignore[reportMissingImports] - the page's

        yield cast("ModuleType", house_llm)
    for name in set(sys.modules) - before:
        if name in ("house_llm", "house_vendor", "review"):
            del sys.modules[name]


@pytest.fixture
def vendor(house: ModuleType) -> HttpVendor:
    """The page's module for the suite."""
    found = module("house_vendor", "tests/providers/vendors/house_llm.py")
    (vendor,) = found.VENDORS
    assert isinstance(vendor, HttpVendor)
    return vendor


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def test_the_suite_takes_the_page_s_vendor(vendor: HttpVendor, stack: AsyncExitStack) -> None:
    await contract.test_text_arrives_whole(vendor, stack, ["Hel", "lo ", "日本"])
    calls = [Call("c1", "read", '{"path": "a.py"}'), Call("c2", "run", "")]
    await contract.test_tool_calls_arrive_in_order(vendor, stack, calls)
    await contract.test_broken_arguments_are_reported_not_raised(vendor, stack, "not json")
    await contract.test_usage_is_counted_once(vendor, stack)
    await contract.test_each_finish_reason_is_told(vendor, stack)
    await contract.test_figures_about_a_model(vendor, stack)
    await contract.test_closing_the_iterator_hangs_up(vendor)


async def test_its_own_quirks_hold(vendor: HttpVendor, stack: AsyncExitStack) -> None:
    server = await stack.enter_async_context(RawServer(Answer(vendor.wire(Said(["x"])))))
    provider = vendor.provider(server.url)
    stack.push_async_callback(provider.close)
    await complete(provider, ask(max_output_tokens=77))
    assert server.received[0].body["max_completion_tokens"] == 77
    refusal = json_answer({"error": {"code": "no_such_model", "message": "what?"}}, 400)
    refused = await serve(vendor, refusal, stack)
    with pytest.raises(ModelNotFound):
        await complete(refused, ask())


async def test_it_works_as_a_plugin(house: ModuleType, stack: AsyncExitStack) -> None:
    """In its own process, found by its entry point."""
    registry = plugins.registry()
    entry = next(entry for entry in registry.list() if entry.name == "house-llm")
    assert (entry.version, entry.distribution, entry.problem) == ("1.0.0", "house-llm", None)
    plugin = registry.get("house-llm")
    wire = LocalVendor().wire(Said(["from ", "the house"]))
    server = await stack.enter_async_context(RawServer(Answer(wire)))
    settings = ProviderSettings("house", "house-llm", api_key=KEY, base_url=server.url, model="house-large")
    provider = plugin.create_provider(settings)
    stack.push_async_callback(provider.close)
    completion = await complete(provider, ask())
    assert completion.message.text == "from the house"
    assert completion.finish.reason is FinishReason.STOP
    assert provider.capabilities("house-large").context_window == 65_536


def test_its_plugin_says_what_is_wrong(house: ModuleType) -> None:
    plugin = cast("ProviderPlugin", house.PLUGIN)
    assert plugin.validate_config(ProviderSettings("house", "house-llm", api_key=KEY)) == []
    assert plugin.validate_config(ProviderSettings("house", "house-llm")) == ["house-llm needs an apiKey"]


def test_the_review_runs(tmp_path: Path) -> None:
    answer = {"approved": False, "findings": [
        {"path": "a.py", "line": 3, "severity": "major", "comment": "off by one"},
    ]}  # fmt: skip
    options: dict[str, Any] = {"turns": [{"text": json.dumps(answer)}]}
    found = module("review", "review.py")
    said = found.review(ProviderSettings("s", "scripted", options=options), "--- a\n+++ b\n", "mend it")
    assert said.startswith("to be changed: 1 findings, 1 calls")
