"""A few tiny calls to each real service whose key is in the environment; the others are skipped by name.

CONTRIBUTING.md lists the variables. `NAME_MODEL_TEST` and `NAME_BASE_URL_TEST` choose another model and
another address.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from tamma.errors import AuthFailed
from tamma.model.conversation import (
    Completion,
    Finish,
    FinishReason,
    Message,
    Request,
    Role,
    Start,
    StreamEvent,
    TextDelta,
    Tool,
    ToolResult,
    user,
)
from tamma.pools import Providers
from tamma.providers.interface import Folder, Provider, ProviderSettings, complete, settled

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ROOM = 2000
"""Output tokens at most: enough to think a little, too few to cost more than a cent or two."""
WEATHER = Tool(
    "weather",
    "Tells today's weather in a town.",
    {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
)


@dataclass(frozen=True)
class Service:
    """One real service, and the variable that lets us ask it."""

    name: str
    """The beginning of its variables."""
    type: str
    holds: Literal["API_KEY", "GITHUB_TOKEN", "HOST", "URL"] = "API_KEY"
    model: str | None = None
    """None: the default of its type, or whichever the service has."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    unlisted: str = ""
    """Why it does not list its models, where it does not."""

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def variable(self) -> str:
        return f"{self.name}_{self.holds}_TEST"

    @property
    def has_key(self) -> bool:
        return self.holds in ("API_KEY", "GITHUB_TOKEN")

    def settings(self) -> ProviderSettings:
        """From the environment; skips the test where the variable is missing."""
        secret = os.environ.get(self.variable)
        if not secret:
            pytest.skip(f"{self.variable} is not set")
        return ProviderSettings(
            "live",
            self.type,
            api_key=secret if self.has_key else None,
            base_url=os.environ.get(f"{self.name}_BASE_URL_TEST") if self.has_key else secret,
            model=os.environ.get(f"{self.name}_MODEL_TEST", self.model),
            timeout=120,
            options=self.options,
        )


SERVICES = (
    Service("ANTHROPIC", "anthropic-claude", model="claude-haiku-5-5"),
    Service("OPENAI", "openai"),
    Service("GEMINI", "gemini"),
    Service("OPENROUTER", "openrouter", model="anthropic/claude-haiku-5.5"),
    Service("ZAI", "zai", unlisted="the API has no such call"),
    Service("OPENCODE", "opencode", model="claude-haiku-5-5", options={"gateway": "zen"}),
    Service("COPILOT", "github-copilot", "GITHUB_TOKEN"),
    Service("OLLAMA", "local-llm", "HOST", options={"kind": "ollama"}),
    Service("LOCAL", "local-llm", "URL"),
    Service("ZEN_MCP", "zen-mcp", "URL", unlisted="not every server has a tool for that"),
)


@pytest.fixture(params=SERVICES, ids=str)
def service(request: pytest.FixtureRequest) -> Service:
    return request.param


@pytest.fixture
async def provider(service: Service) -> AsyncIterator[Provider]:
    settings = service.settings()
    pool = Providers(lambda _: settings)
    yield await pool.get("live")
    await pool.close()


async def request_of(provider: Provider, *messages: Message, tools: tuple[Tool, ...] = ()) -> Request:
    model = await settled(provider, provider.settings.model or "")
    return Request(model, messages, tools=tools, max_output_tokens=ROOM)


async def asked(provider: Provider, request: Request, bill: list[str]) -> Completion:
    """The answer, its cost noted. Also where it is wrong: it was paid."""
    completion = await complete(provider, request)
    note(provider, completion.finish, bill)
    return completion


def note(provider: Provider, finish: Finish, bill: list[str]) -> None:
    usage, cost = finish.usage, finish.cost
    price = "at an unknown price" if cost.usd is None else f"${cost.usd:.6f}"
    bill.append(
        f"{provider.settings.type:<18} {finish.served_model:<32} {usage.input_total:>6} in "
        f"{usage.output_total:>5} out  {price} ({cost.source})"
    )


async def test_it_says_hello(provider: Provider, bill: list[str]) -> None:
    folder = Folder()
    events: list[StreamEvent] = []
    async for event in provider.stream(await request_of(provider, user("Say hello in one word."))):
        folder.add(event)
        events.append(event)
    completion = folder.completion()
    note(provider, completion.finish, bill)
    assert isinstance(events[0], Start)
    assert any(isinstance(event, TextDelta) for event in events)
    assert "hello" in completion.message.text.lower()
    assert completion.finish.reason is FinishReason.STOP
    assert completion.finish.served_model
    assert completion.finish.usage.input_total > 0
    assert completion.finish.usage.output_total > 0


async def test_it_calls_a_tool_and_reads_its_result(provider: Provider, bill: list[str]) -> None:
    question = user("What is the weather in Oslo? Use the tool, then answer in one short sentence.")
    first = await asked(provider, await request_of(provider, question, tools=(WEATHER,)), bill)
    (call,) = first.message.tool_calls
    assert call.name == "weather"
    assert "oslo" in json.loads(call.args_json)["town"].lower()
    assert first.finish.reason is FinishReason.TOOL_CALLS
    result = Message(Role.USER, (ToolResult(call.id, "-17 degrees, hail"),))
    history = (question, first.message, result)
    second = await asked(provider, await request_of(provider, *history, tools=(WEATHER,)), bill)
    assert "17" in second.message.text


async def test_it_counts_tokens(provider: Provider) -> None:
    little = await provider.count_tokens(await request_of(provider, user("Hello.")))
    much = await provider.count_tokens(await request_of(provider, user("Hello. " * 200)))
    assert 0 < little.tokens < much.tokens


async def test_it_lists_its_models(provider: Provider, service: Service) -> None:
    if service.unlisted:
        pytest.skip(f"{service.type}: {service.unlisted}")
    listed = [model.id for model in await provider.models()]
    assert listed
    checked = await provider.check()
    assert checked.ok, checked.detail


async def test_a_wrong_key_is_told_as_one(service: Service) -> None:
    settings = service.settings()
    if not service.has_key:
        pytest.skip(f"{service.type} needs no key")
    pool = Providers(lambda _: replace(settings, api_key="canary-" + "0" * 40))
    try:
        provider = await pool.get("live")
        with pytest.raises(AuthFailed):
            await complete(provider, await request_of(provider, user("Say hello in one word.")))
        assert not (await provider.check()).ok
    finally:
        await pool.close()
