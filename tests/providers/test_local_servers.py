"""LM Studio, vLLM, llama.cpp and the merely compatible: what each says about its models is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tamma.errors import ContextOverflow, Overloaded
from tamma.model.conversation import Request, Tool, user
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.local import llamacpp, lmstudio, vllm
from tamma.providers.local.provider import LocalLLM
from tests.providers import model_servers as servers
from tests.providers.model_servers import Routed, server_like
from tests.providers.vendors.base import Said
from tests.providers.vendors.chat import LocalVendor
from tests.support.raw_http import Answer, json_answer

CHAT = Answer(LocalVendor().wire(Said(["hello"])))
TOOL = Tool("read", "reads", {"type": "object"})


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def served(stack: AsyncExitStack, kind: str, model: str, **settings: Any) -> tuple[LocalLLM, Routed]:
    server = await stack.enter_async_context(server_like(kind, CHAT))
    provider = LocalLLM(ProviderSettings("mine", "local-llm", base_url=server.url, model=model, **settings))
    stack.push_async_callback(provider.close)
    return provider, server


def hello(**more: Any) -> Request:
    return Request("", (user("hello"),), **more)


# --- LM Studio -----------------------------------------------------------------------------------


def test_lmstudio_tells_the_loaded_window() -> None:
    loaded = lmstudio.facts_of_v1(servers.LMSTUDIO_V1, "google/gemma-4-26b-a4b")
    assert (loaded.context_window, loaded.vision, loaded.reasoning_levels) == (4096, True, ("low", "high"))
    assert loaded.final
    assert loaded.tools is None  # it brings a format of its own to the others
    assert lmstudio.facts_of_v1(servers.LMSTUDIO_V1, "gemma-large").context_window == 65536
    earlier = lmstudio.facts_of_v0(servers.LMSTUDIO_V0, "gemma-3-4b-it")
    assert (earlier.context_window, earlier.vision, earlier.final) == (4096, True, True)


def test_lmstudio_cannot_tell_the_window_of_what_is_not_loaded() -> None:
    for found in (
        lmstudio.facts_of_v1(servers.LMSTUDIO_V1, "deepseek-r1"),
        lmstudio.facts_of_v0(servers.LMSTUDIO_V0, "meta-llama-3.1-8b-instruct"),
    ):
        assert (found.context_window, found.vision, found.final) == (131072, False, False)
        assert "not loaded" in found.source
    for strange in (
        lmstudio.facts_of_v1(servers.LMSTUDIO_V1, "unheard-of"),
        lmstudio.facts_of_v0({"data": 5}, "unheard-of"),
    ):
        assert (strange.context_window, strange.final) == (None, False)


async def test_a_model_that_lmstudio_loads_meanwhile_is_asked_about_again(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "lmstudio", "deepseek-r1")
    await complete(provider, hello())
    assert provider.capabilities("deepseek-r1").context_window == 131072
    instance = {"id": "deepseek-r1", "config": {"context_length": 8192}}
    models = [{**entry, "loaded_instances": [instance]} for entry in servers.LMSTUDIO_V1["models"][1:2]]
    server.routes["/api/v1/models"] = {"models": models}
    await complete(provider, hello())
    assert provider.capabilities("deepseek-r1").context_window == 8192
    asked = server.paths.count("/api/v1/models")
    await complete(provider, hello())
    assert server.paths.count("/api/v1/models") == asked


async def test_an_earlier_lmstudio(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "lmstudio", "gemma-3-4b-it")
    del server.routes["/api/v1/models"]
    server.routes["/api/v0/models"] = servers.LMSTUDIO_V0
    await complete(provider, hello())
    assert provider.capabilities("gemma-3-4b-it").context_window == 4096
    counted = await provider.count_tokens(hello())
    assert counted.estimated


# --- vLLM ----------------------------------------------------------------------------------------


def test_vllm_tells_its_window() -> None:
    assert vllm.facts_of(servers.VLLM_LISTED, "Qwen/Qwen3-Coder").context_window == 65536
    assert vllm.facts_of(servers.VLLM_LISTED, "my-lora").context_window == 65536
    assert vllm.facts_of({}, "x").context_window is None


async def test_vllm_counts_tokens(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "vllm", "Qwen/Qwen3-Coder")
    counted = await provider.count_tokens(hello(tools=(TOOL,), system="be brief"))
    assert (counted.tokens, counted.estimated) == (4711, False)
    sent = server.received[-1].body
    assert (sent["model"], len(sent["tools"])) == ("Qwen/Qwen3-Coder", 1)
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    able = provider.capabilities("Qwen/Qwen3-Coder")
    assert (able.context_window, able.token_counting) == (65536, True)
    for answer in (json_answer({"detail": "Not Found"}, 404), {"count": None}):
        server.routes["/tokenize"] = answer
        assert (await provider.count_tokens(hello())).estimated


# --- llama.cpp -----------------------------------------------------------------------------------


def test_llamacpp_tells_what_its_template_can_do() -> None:
    found = llamacpp.facts_of(servers.LLAMACPP_PROPS)
    assert (found.context_window, found.tools, found.vision) == (2048, False, False)
    caps = {"supports_tools": True, "supports_reasoning_effort": True}
    found = llamacpp.facts_of({"chat_template_caps": caps, "modalities": {"vision": True}})
    assert (found.tools, found.vision, found.reasoning_levels) == (True, True, ("low", "medium", "high"))
    assert llamacpp.facts_of({}).tools is None  # older servers do not say


async def test_llamacpp_counts_tokens(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "llamacpp", "smol.gguf")
    server.routes["/apply-template"] = {"prompt": "<|im_start|>hello"}
    server.routes["/tokenize"] = {"tokens": [1, 2, 3]}
    counted = await provider.count_tokens(hello())
    assert (counted.tokens, counted.estimated) == (3, False)
    assert server.received[-1].body["content"] == "<|im_start|>hello"
    server.routes["/apply-template"] = json_answer(servers.LLAMACPP_NOT_FOUND, 404)
    assert (await provider.count_tokens(hello())).estimated


async def test_a_model_that_still_loads_is_worth_another_try(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "llamacpp", "smol.gguf")
    server.routes["/props"] = json_answer(servers.LLAMACPP_LOADING, 503)
    with pytest.raises(Overloaded):
        await complete(provider, hello())
    server.routes["/props"] = servers.LLAMACPP_PROPS
    assert (await complete(provider, hello())).message.text == "hello"
    assert provider.capabilities("smol.gguf").context_window == 2048


# --- all of them ---------------------------------------------------------------------------------


async def test_a_plain_servers_list_may_name_the_window(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "openai", "m")
    server.routes["/v1/models"] = servers.SGLANG_LISTED
    await complete(provider, hello())
    assert provider.capabilities("m").context_window == 40960
    assert provider.capabilities("another").context_window is None


async def test_the_configuration_goes_first(stack: AsyncExitStack) -> None:
    provider, _ = await served(
        stack, "llamacpp", "smol.gguf", context_window=1024, capabilities={"tools": True}
    )
    await complete(provider, hello())
    able = provider.capabilities("smol.gguf")
    assert (able.context_window, able.tools, able.vision) == (1024, True, False)
    assert "configuration" in able.source


async def test_nothing_is_asked_where_that_was_said(stack: AsyncExitStack) -> None:
    provider, server = await served(
        stack, "vllm", "Qwen/Qwen3-Coder", options={"kind": "vllm", "discover": False}
    )
    await complete(provider, hello())
    assert server.paths == ["/v1/chat/completions"]
    assert provider.capabilities("Qwen/Qwen3-Coder").context_window is None


async def test_a_server_that_hides_its_figures_still_answers(stack: AsyncExitStack) -> None:
    provider, server = await served(stack, "vllm", "Qwen/Qwen3-Coder", options={"kind": "vllm"})
    server.routes["/v1/models"] = json_answer({"detail": "Not Found"}, 404)
    assert (await complete(provider, hello())).message.text == "hello"
    assert provider.capabilities("Qwen/Qwen3-Coder").context_window is None


@pytest.mark.parametrize(
    "words",
    [
        # LM Studio, vLLM, llama.cpp
        "However, the model is loaded with context length of only 4096 tokens, which is not enough.",
        "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens.",
        "request (5000 tokens) exceeds the available context size (2048 tokens), try increasing it",
    ],
)
async def test_each_servers_words_for_too_long(stack: AsyncExitStack, words: str) -> None:
    provider, server = await served(stack, "openai", "m")
    server.routes["/v1/chat/completions"] = json_answer({"error": words}, 400)
    with pytest.raises(ContextOverflow):
        await complete(provider, hello())
