"""Which model server answers at an address.

They all speak OpenAI's protocol, but only their own endpoints say what a model can do, and only Ollama's own
protocol can be told a context window.

The probes go one after the other and stop as soon as the answers prove a kind, so that no server sees more
strange requests than it must. LM Studio logs each as an error and answers 200 all the same: what counts is
the shape of an answer, never its status alone.

Sources of the shapes: ollama `server/routes.go`; LM Studio's REST documentation (`/api/v1`, `/api/v0`); vLLM
`entrypoints/openai` (`ModelCard.owned_by`); llama.cpp's own server as xllamacpp runs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from tamma.errors import ProviderError
from tamma.providers.common.calls import Call, ours, parsed, read_body
from tamma.providers.common.errors import CallContext
from tamma.providers.local.wire import as_object, entries

if TYPE_CHECKING:
    import httpx2

Kind = Literal["ollama", "lmstudio", "vllm", "llamacpp", "openai"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TITLES: Mapping[Kind, str] = {
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "vllm": "vLLM",
    "llamacpp": "llama.cpp",
    "openai": "a server that speaks OpenAI's protocol",
}
DEFAULT_PORTS: Mapping[Kind, int] = {"ollama": 11434, "lmstudio": 1234, "vllm": 8000, "llamacpp": 8080}
"""Where each listens unless told otherwise, in the order in which they are looked for."""

MODELS, VERSION, LM_V1, LM_V0, PROPS, VLLM_VERSION = PROBES = (
    "/v1/models",
    "/api/version",
    "/api/v1/models",
    "/api/v0/models",
    "/props",
    "/version",
)
_OTHERS = frozenset({"sglang", "koboldcpp"})
"""Owners of models on servers that imitate another's endpoints, and are best spoken to in the common way."""
PROBE_TIMEOUT = 3.0
"""Seconds for one probe. All of them are answered from memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one probe: `body` is the parsed JSON, text where it was none."""

    status: int
    body: object = None
    server: str = ""
    """The `server` header."""


def root_of(base_url: str) -> str:
    """The server's own address, from a base URL with or without `/v1` (or Ollama's `/api`)."""
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")


def kind_of(answers: Mapping[str, Answer]) -> Kind | None:
    """The kind that the answers (by path) prove; None where they prove none."""
    if any(answer.server.lower().startswith("llama.cpp") for answer in answers.values()):
        return "llamacpp"
    models = _entries(answers, MODELS, "data")
    owners = {str(model.get("owned_by")) for model in models}
    if owners & _OTHERS:
        return None
    if "llamacpp" in owners or "default_generation_settings" in _body(answers, PROPS):
        return "llamacpp"
    if "vllm" in owners:
        return "vllm"
    if isinstance(_body(answers, VERSION).get("version"), str) and _body(answers, MODELS).get("object"):
        return "ollama"  # the version alone would be Open WebUI's, too
    if _is_lmstudio(answers):
        return "lmstudio"
    if any("max_model_len" in model for model in models):
        return "vllm" if isinstance(_body(answers, VLLM_VERSION).get("version"), str) else None
    return None


def lists_models(answers: Mapping[str, Answer]) -> bool:
    """Whether `/v1/models` gave a list as OpenAI's protocol has it."""
    listed = _body(answers, MODELS).get("data")
    return isinstance(listed, list)


async def probe(
    client: httpx2.AsyncClient, root: str, headers: Mapping[str, str], context: CallContext
) -> tuple[Kind | None, dict[str, Answer]]:
    """The kind of the server at `root` and what it answered; None for one that gives no sign of itself.

    Raises ProviderError where a probe gets no answer at all: half a picture could take an Ollama for less.
    """
    answers: dict[str, Answer] = {}
    for path in PROBES:
        answers[path] = await _ask(client, root + path, headers, context)
        if kind := kind_of(answers):
            return kind, answers
    return None, answers


async def _ask(
    client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], context: CallContext
) -> Answer:
    call = Call(context, asyncio.get_running_loop().time() + PROBE_TIMEOUT, PROBE_TIMEOUT)
    try:
        async with (
            asyncio.timeout_at(call.deadline),
            client.stream("GET", url, headers=dict(headers)) as response,
        ):
            content = await read_body(response, call)
    except Exception as error:
        raise _unsure(ours(error, context, streaming=False)) from None
    return Answer(response.status_code, parsed(content), response.headers.get("server", ""))


def _unsure(error: ProviderError) -> ProviderError:
    kinds = ", ".join(repr(kind) for kind in KINDS)
    error.hint = f'{error.hint or "the server gave no answer"}; or name its "kind" in the options ({kinds})'
    return error


def _is_lmstudio(answers: Mapping[str, Answer]) -> bool:
    current = _body(answers, LM_V1).get("models")
    if isinstance(current, list):
        return all("key" in model for model in _entries(answers, LM_V1, "models"))
    earlier = _entries(answers, LM_V0, "data")
    return bool(earlier) and all("state" in model for model in earlier)


def _body(answers: Mapping[str, Answer], path: str) -> Mapping[str, Any]:
    answer = answers.get(path)
    return as_object(answer.body) if answer is not None and answer.status == 200 else {}


def _entries(answers: Mapping[str, Answer], path: str, name: str) -> list[Mapping[str, Any]]:
    return entries(_body(answers, path), name)
