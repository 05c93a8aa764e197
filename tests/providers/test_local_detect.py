"""Which local server answers: told by its shape, asked gently, remembered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import ConfigError, ProviderError, ProviderTimeout, ProviderUnreachable
from tamma.providers.common.calls import call_for, read_body
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.local import detect
from tamma.providers.local.detect import KINDS, PROBES, Answer, kind_of, root_of
from tamma.providers.local.provider import LocalLLM
from tests.providers import model_servers as servers
from tests.providers.model_servers import SERVERS, Routed, server_like
from tests.providers.vendors.base import KEY, Said, ask, settings_for
from tests.providers.vendors.chat import LocalVendor
from tests.providers.vendors.local_ollama import OllamaVendor
from tests.support.raw_http import Answer as Wire
from tests.support.raw_http import RawServer, json_answer

CHAT = Wire(LocalVendor().wire(Said(["hello"])))
NDJSON = Wire(OllamaVendor().wire(Said(["hello"])), content_type="application/x-ndjson")


def answers(bodies: Mapping[str, object], server: str = "") -> dict[str, Answer]:
    return {
        path: Answer(200, bodies[path], server) if path in bodies else Answer(404, None, server)
        for path in PROBES
    }


def local(url: str | None, **settings: object) -> LocalLLM:
    return LocalLLM(ProviderSettings("mine", "local-llm", base_url=url, **settings))  # pyright: ignore[reportArgumentType] - named by each test


# --- the decision --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_by_its_answers(kind: str) -> None:
    assert (kind_of(answers(SERVERS[kind])) or "openai") == kind


@pytest.mark.parametrize(
    ("bodies", "kind"),
    [
        ({"/api/v0/models": servers.LMSTUDIO_V0}, "lmstudio"),  # before 0.4
        ({"/api/v1/models": {"models": []}}, "lmstudio"),  # nothing downloaded yet
        ({"/props": servers.LLAMACPP_PROPS}, "llamacpp"),  # behind a proxy that hides the rest
        ({"/v1/models": servers.SGLANG_LISTED, "/version": servers.VLLM_VERSION}, None),
        ({"/v1/models": servers.PLAIN_LISTED, "/version": servers.VLLM_VERSION}, None),
        ({"/api/v1/models": {"data": [{"id": "openrouter/auto"}]}}, None),
        ({"/v1/models": {"data": [{"id": "m", "max_model_len": 9}]}, "/version": {"version": "1"}}, "vllm"),
        ({"/v1/models": servers.OLLAMA_LISTED, "/api/version": {"version": None}}, None),
        ({"/v1/models": {"object": "list", "data": None}, "/api/version": servers.OLLAMA_VERSION}, "ollama"),
        ({"/api/version": {"version": "0.6.5"}}, None),  # Open WebUI
        ({"/v1/models": servers.KOBOLDCPP_LISTED, "/api/version": servers.OLLAMA_VERSION}, None),
        (dict.fromkeys(PROBES, servers.LMSTUDIO_UNKNOWN), None),
        (dict.fromkeys(PROBES, servers.PLAIN_LISTED), None),
        (dict.fromkeys(PROBES, "text"), None),
        ({"/v1/models": {"data": "none"}, "/api/v1/models": {"models": [1, {"id": "x"}]}}, None),
    ],
)
def test_what_looks_alike_is_told_apart(bodies: Mapping[str, object], kind: str | None) -> None:
    assert kind_of(answers(bodies)) == kind


def test_llamacpp_is_known_while_it_still_loads() -> None:
    loading = {path: Answer(503, servers.LLAMACPP_LOADING, "llama.cpp") for path in PROBES}
    assert kind_of(loading) == "llamacpp"


def test_a_refusal_proves_nothing() -> None:
    listed = Answer(200, servers.OLLAMA_LISTED)
    assert kind_of({"/v1/models": listed, "/api/version": Answer(401, servers.OLLAMA_VERSION)}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "models", "version", "owned_by", "key", "state"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(PROBES), st.builds(Answer, st.sampled_from([200, 404]), json_values)))
def test_no_answer_upsets_the_decision(found: dict[str, Answer]) -> None:
    assert kind_of(found) in (*KINDS, None)


@pytest.mark.parametrize(
    "url",
    ["http://h:1/v1", "http://h:1/v1/", "http://h:1", "http://h:1/", "http://h:1//v1", "http://h:1/api/"],
)
def test_the_root_of_an_address(url: str) -> None:
    assert root_of(url) == "http://h:1"
    assert root_of("https://h/models/v1") == "https://h/models"


# --- over the wire -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", "/v1", "/v1/"])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_found_and_asked_in_its_way(kind: str, suffix: str) -> None:
    async with server_like(kind, chat=NDJSON if kind == "ollama" else CHAT) as server:
        provider = local(server.url + suffix)
        assert (await complete(provider, ask())).message.text == "hello"
        assert server.paths[-1] == ("/api/chat" if kind == "ollama" else "/v1/chat/completions")
        await provider.close()


@pytest.mark.parametrize(("kind", "asked"), [("vllm", 1), ("llamacpp", 1), ("ollama", 2), ("lmstudio", 3)])
async def test_no_server_is_asked_more_than_it_must(kind: str, asked: int) -> None:
    async with server_like(kind) as server:
        provider = local(server.url)
        await provider.models()
        assert server.paths[:asked] == list(PROBES[:asked])
        assert len(server.paths) == asked + 1  # and then the models
        await provider.close()


async def test_it_is_found_out_once() -> None:
    async with server_like("llamacpp", chat=CHAT) as server:
        provider = local(server.url, model="smol.gguf")
        await asyncio.gather(*(complete(provider, ask()) for _ in range(6)))
        assert server.paths.count("/v1/models") == 1
        assert server.paths.count("/props") == 1
        await provider.close()


async def test_the_kind_can_be_named() -> None:
    async with server_like("llamacpp", chat=CHAT) as server:
        provider = local(server.url + "/v1", options={"kind": "openai", "discover": False})
        await complete(provider, ask())
        assert server.paths == ["/v1/chat/completions"]
        await provider.close()


def test_a_kind_that_is_none_lists_the_kinds() -> None:
    with pytest.raises(ConfigError, match="'olama'") as caught:
        local("http://127.0.0.1:1", options={"kind": "olama"})
    assert "ollama, lmstudio" in (caught.value.hint or "")


async def test_probes_carry_the_key() -> None:
    async with server_like("vllm") as server:
        provider = local(server.url, api_key=KEY)
        await provider.models()
        assert {request.headers["authorization"] for request in server.received} == {f"Bearer {KEY}"}
        await provider.close()


async def test_half_a_picture_is_an_error_and_not_remembered() -> None:
    """A busy Ollama taken for a plain server would cut prompts silently for as long as the process lives."""
    async with Routed({"/v1/models": servers.OLLAMA_LISTED, "/api/version": Wire(["drop"])}) as server:
        provider = local(server.url)
        with pytest.raises(ProviderError) as caught:
            await provider.models()
        assert caught.value.may_retry
        assert '"kind"' in (caught.value.hint or "")
        server.routes.update(SERVERS["ollama"])
        assert [model.id for model in await provider.models()] == ["llava:latest", "old:latest"]
        await provider.close()


async def test_a_server_that_says_nothing_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "PROBE_TIMEOUT", 0.1)
    async with RawServer(Wire(["hang"])) as server:
        provider = local(server.url)
        with pytest.raises(ProviderTimeout):
            await provider.models()
        await provider.close()


async def test_finding_out_counts_towards_the_calls_limit() -> None:
    async with RawServer(Wire(["hang"])) as server:
        provider = local(server.url)
        with pytest.raises(ProviderTimeout, match="before the model was asked"):
            await complete(provider, ask(timeout=0.2))
        await provider.close()


async def test_a_port_that_never_stops_is_left() -> None:
    async with RawServer(Wire([b"[" * 5000, "hang"])) as server, httpx2.AsyncClient() as client:
        call = call_for(settings_for("local-llm", server.url), "m", server.url, 60)
        async with client.stream("GET", server.url) as response:
            content = await asyncio.wait_for(read_body(response, call, 1000), 5)
        assert len(content) >= 1000


async def test_a_closed_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    provider = local(f"http://user:canary@127.0.0.1:{port}")
    with pytest.raises(ProviderUnreachable) as caught:
        await complete(provider, ask())
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    checked = await provider.check()
    assert not checked.ok
    assert str(port) in checked.detail


# --- without an address --------------------------------------------------------------------------


def ports(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """Let these be the well-known servers' ports, in order."""
    found = {kind: int(url.rpartition(":")[2]) for kind, url in zip(KINDS, urls, strict=False)}
    monkeypatch.setattr("tamma.providers.local.provider.DEFAULT_PORTS", found)


async def test_the_first_well_known_server_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    website = Routed({"/": {"hello": "world"}})
    async with website, server_like("llamacpp", chat=CHAT) as first, server_like("vllm") as second:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ports(monkeypatch, closed, website.url, first.url, second.url)
        provider = local(None, api_key=KEY, model="smol.gguf")
        assert (await complete(provider, ask())).message.text == "hello"
        assert second.received == []
        assert all("authorization" not in request.headers for request in website.received)
        checked = await provider.check()
        assert checked.ok
        assert checked.detail == f"llama.cpp at {first.url.removeprefix('http://')} answers with 1 models"
        await provider.close()


async def test_none_found_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Routed({}) as website:
        ports(monkeypatch, website.url)
        provider = local(None)
        with pytest.raises(ProviderUnreachable, match=r"tried the ports \d+ \(Ollama\)") as caught:
            await complete(provider, ask())
        assert "baseUrl" in (caught.value.hint or "")
        website.routes.update(SERVERS["openai"])  # started meanwhile
        assert [model.id for model in await provider.models()] == ["m"]
        await provider.close()


def test_the_well_known_ports() -> None:
    assert list(detect.DEFAULT_PORTS.values()) == [11434, 1234, 8000, 8080]


async def test_a_wrong_key_is_told_as_one() -> None:
    refused = json_answer({"error": {"message": "bad key", "type": "authentication_error"}}, 401)
    async with Routed({}, refused) as server:
        provider = local(server.url, api_key=KEY)
        checked = await provider.check()
        assert not checked.ok
        assert "API key" in (checked.hint or "")
        await provider.close()
