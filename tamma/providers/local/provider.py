"""Models on the user's own machine or network: Ollama, LM Studio, vLLM, llama.cpp, any compatible server.

Which of them answers is found out on first use, because each wants another treatment: Ollama must be told the
context window in its own protocol, and only their own endpoints say what the others' models can do.

Plain http is fine to this machine; to another one it wants `{"allowInsecureHttp": true}` in the options.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Protocol

import structlog

from tamma.errors import ConfigError, ProviderError, ProviderTimeout, ProviderUnreachable
from tamma.model.conversation import (
    Capabilities,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.common.checking import failed_check
from tamma.providers.common.errors import context_for, host_of
from tamma.providers.common.http import check_base_url, check_key, headers_with_key, make_client
from tamma.providers.interface import ProviderSettings
from tamma.providers.local.compatible import Compatible
from tamma.providers.local.detect import (
    DEFAULT_PORTS,
    KINDS,
    TITLES,
    Kind,
    lists_models,
    probe,
    root_of,
)
from tamma.providers.local.llamacpp import LlamaCpp
from tamma.providers.local.lmstudio import LMStudio
from tamma.providers.local.ollama.provider import Ollama
from tamma.providers.local.vllm import VLLM

HOST = "http://127.0.0.1"
_log = structlog.get_logger(__name__)


class Server(Protocol):
    """What speaks to one kind of server; the methods are those of `Provider`, and two more."""

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]: ...

    async def count_tokens(self, request: Request) -> TokenCount: ...

    def capabilities(self, model: str) -> Capabilities: ...

    async def models(self) -> tuple[ModelInfo, ...]: ...

    async def close(self) -> None: ...

    async def learn(self, model: str) -> None:
        """Remember what the server says about `model`. Raises ProviderError."""
        ...

    async def default_model(self) -> str:
        """The configured model, or the first that the server lists. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The server that answers, and how a person would name it."""

    server: Server
    title: str


class LocalLLM:
    """A local server; without `model`, the first one that it lists.

    Option `kind` (one of `KINDS`) says which server it is, instead of having it found out; `discover: false`
    keeps from asking it what the model can do: then the configuration alone says it. Without a base URL the
    servers' own ports on this machine are tried.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        if settings.base_url:
            check_base_url(settings, settings.base_url)
        self._settings = settings
        self._kind: Kind | None = _configured_kind(settings)
        self._discover = settings.options.get("discover") is not False
        self._found: Found | None = None
        self._finding = asyncio.Lock()

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    async def start(self) -> None:
        """Check the key; which server answers is found out by the first call. Raises AuthFailed."""
        check_key(self._settings, required=False)
        if self._found is None:
            await asyncio.to_thread(import_module, "httpx2")  # takes a while: not on the loop

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator closes the connection."""
        begun = asyncio.get_running_loop().time()
        server, request = await self._ready(request)
        left = request.timeout - (asyncio.get_running_loop().time() - begun)
        async with aclosing(server.stream(replace(request, timeout=max(0.0, left)))) as events:
            async for event in events:
                yield event

    async def count_tokens(self, request: Request) -> TokenCount:
        """The model's own count with vLLM and llama.cpp, else an estimate."""
        server, request = await self._ready(request)
        return await server.count_tokens(request)

    def capabilities(self, model: str) -> Capabilities:
        """What the server said about `model` in an earlier call; before that, the catalogue's figures."""
        if self._found is not None:
            return self._found.server.capabilities(model)
        return catalogue.capabilities_for(self._settings, model)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await (await self._find()).server.models()

    async def check(self) -> ProviderCheck:
        """Find the server and list its models: costs nothing."""
        try:
            found = await self._find()
            names = tuple(model.id for model in await found.server.models())
        except ProviderError as error:
            return failed_check(error)
        return ProviderCheck(True, f"{found.title} answers with {len(names)} models", names)

    async def close(self) -> None:
        found, self._found = self._found, None
        if found is not None:
            await found.server.close()

    async def settle(self, model: str) -> str:
        """Find the server and let it say what it knows about `model`; see `Settles`."""
        return (await self._settled(model, self._settings.timeout))[1]

    async def _ready(self, request: Request) -> tuple[Server, Request]:
        """The server, which has said what it knows about the request's model. Raises ProviderError."""
        server, model = await self._settled(request.model, min(request.timeout, self._settings.timeout))
        return server, replace(request, model=model)

    async def _settled(self, wanted: str, timeout: float) -> tuple[Server, str]:
        try:
            async with asyncio.timeout(timeout):
                server = (await self._find()).server
                model = wanted or await server.default_model()
                if self._discover:
                    async with self._finding:
                        await server.learn(model)
        except TimeoutError:
            context = context_for(self._settings, wanted, self._settings.base_url or HOST)
            raise context.error(ProviderTimeout, "no answer in time, before the model was asked") from None
        return server, model

    async def _find(self) -> Found:
        """The server, found out once however many ask at the same time. Raises ProviderError."""
        await self.start()
        async with self._finding:
            if self._found is None:
                self._found = await self._find_now()
            return self._found

    async def _find_now(self) -> Found:
        url = self._settings.base_url
        if self._kind is not None:
            port = DEFAULT_PORTS["llamacpp" if self._kind == "openai" else self._kind]
            return self._made(self._kind, url or f"{HOST}:{port}/v1")
        if url is None:
            return await self._look_around()
        kind, lists = await self._ask(url, headers_with_key(self._settings))
        return self._made(kind or "openai", f"{root_of(url)}/v1" if lists else url)

    async def _look_around(self) -> Found:
        """The first of the well-known servers that answers where it usually does on this machine."""
        for port in DEFAULT_PORTS.values():
            url = f"{HOST}:{port}"
            try:
                kind, lists = await self._ask(url, {})  # nobody named this port: it gets no key to see
            except ProviderError as error:
                _log.debug("no model server here", url=url, why=str(error))
                continue
            if kind is not None or lists:
                return self._made(kind or "openai", f"{url}/v1")
        tried = ", ".join(f"{port} ({TITLES[kind]})" for kind, port in DEFAULT_PORTS.items())
        raise ProviderUnreachable(
            f"{self._settings.name}: no model server answers on this machine; tried the ports {tried}",
            hint='start one of them, or say where it is with "baseUrl", e.g. http://127.0.0.1:11434',
            provider=self._settings.name,
        )

    async def _ask(self, url: str, headers: dict[str, str]) -> tuple[Kind | None, bool]:
        """The kind of the server at `url`, None for one that shows none; and whether `/v1` lists models."""
        context = context_for(self._settings, self._settings.model or "", url)
        async with make_client(self._settings, url) as client:
            kind, answers = await probe(client, root_of(url), headers, context)
        _log.info(
            "asked which model server this is",
            provider=self._settings.name,
            host=host_of(url),
            found=TITLES[kind or "openai"],
            probes=len(answers),
        )
        return kind, lists_models(answers)

    def _made(self, kind: Kind, base_url: str) -> Found:
        return Found(make_server(kind, self._settings, base_url), f"{TITLES[kind]} at {host_of(base_url)}")


def make_server(kind: Kind, settings: ProviderSettings, base_url: str) -> Server:
    """The provider for a server of `kind`. All but the plain one have their chat below `/v1`."""
    root = root_of(base_url)
    match kind:
        case "ollama":
            return Ollama(settings, root)
        case "lmstudio":
            return LMStudio(settings, f"{root}/v1")
        case "vllm":
            return VLLM(settings, f"{root}/v1")
        case "llamacpp":
            return LlamaCpp(settings, f"{root}/v1")
        case "openai":
            return Compatible(settings, base_url)


def _configured_kind(settings: ProviderSettings) -> Kind | None:
    named = settings.options.get("kind")
    if named is None:
        return None
    if named in KINDS:
        return named
    raise ConfigError(
        f"provider {settings.name!r}: there is no kind of local server called {named!r}",
        hint=f"choose of: {', '.join(KINDS)}, or leave it out to have it found out",
    )
