"""What the well-known model servers answer about themselves, and a server that answers by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.raw_http import Answer, RawServer, Received, json_answer

# ollama server/routes.go (`/api/version`), openai/openai.go (`owned_by`), docs/api.md (`/api/show`).
OLLAMA_VERSION = {"version": "0.12.6"}
OLLAMA_LISTED = {
    "object": "list",
    "data": [{"id": "llava:latest", "object": "model", "created": 1755800902, "owned_by": "library"}],
}
OLLAMA_SHOW: dict[str, Any] = {
    "parameters": 'num_keep                       24\nstop                           "<|start_header_id|>"',
    "template": "{{ .Prompt }}",
    "details": {"format": "gguf", "family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_0"},
    "model_info": {"general.architecture": "llama", "llama.block_count": 32, "llama.context_length": 8192},
    "capabilities": ["completion", "vision"],
}
# ollama api/types.go (`ListModelResponse`), docs/api.md
OLLAMA_TAGS = {
    "models": [
        {
            "name": "nomic-embed-text:latest",
            "model": "nomic-embed-text:latest",
            "capabilities": ["embedding"],
        },
        {"name": "llava:latest", "model": "llava:latest", "capabilities": ["completion", "vision"]},
        {"name": "old:latest", "model": "old:latest"},
    ]
}

# lmstudio.ai/docs/developer/rest/list, shortened
LMSTUDIO_V1: dict[str, Any] = {
    "models": [
        {
            "type": "llm",
            "publisher": "google",
            "key": "google/gemma-4-26b-a4b",
            "loaded_instances": [
                {"id": "google/gemma-4-26b-a4b", "config": {"context_length": 4096, "parallel": 4}},
                {"id": "gemma-large", "config": {"context_length": 65536, "parallel": 1}},
            ],
            "max_context_length": 262144,
            "capabilities": {
                "vision": True,
                "trained_for_tool_use": True,
                "reasoning": {"allowed_options": ["off", "low", "high"], "default": "low"},
            },
        },
        {
            "type": "llm",
            "publisher": "deepseek",
            "key": "deepseek-r1",
            "loaded_instances": [],
            "max_context_length": 131072,
            "capabilities": {"vision": False, "trained_for_tool_use": True},
        },
        {"type": "embedding", "key": "nomic-embed", "loaded_instances": [], "max_context_length": 2048},
    ]
}
# lmstudio.ai/docs/api/rest-api, and github.com/zed-industries/zed/pull/25606 for `loaded_context_length`
LMSTUDIO_V0: dict[str, Any] = {
    "object": "list",
    "data": [
        {
            "id": "gemma-3-4b-it",
            "object": "model",
            "type": "vlm",
            "arch": "gemma3",
            "state": "loaded",
            "max_context_length": 131072,
            "loaded_context_length": 4096,
        },
        {
            "id": "meta-llama-3.1-8b-instruct",
            "object": "model",
            "type": "llm",
            "arch": "llama",
            "state": "not-loaded",
            "max_context_length": 131072,
        },
    ],
}
LMSTUDIO_LISTED = {
    "object": "list",
    "data": [{"id": "google/gemma-4-26b-a4b", "object": "model", "owned_by": "organization_owner"}],
}
# github.com/lmstudio-ai/lmstudio-bug-tracker/issues/618: with status 200
LMSTUDIO_UNKNOWN = {"error": "Unexpected endpoint or method. (GET /somewhere)"}

# vLLM vllm/entrypoints/openai (`ModelCard`), serve/tokenize/protocol.py (`TokenizeResponse`)
VLLM_LISTED = {
    "object": "list",
    "data": [
        {
            "id": "Qwen/Qwen3-Coder",
            "object": "model",
            "created": 1755800902,
            "owned_by": "vllm",
            "root": "Qwen/Qwen3-Coder",
            "parent": None,
            "max_model_len": 65536,
            "permission": [{"id": "modelperm-1", "object": "model_permission", "allow_sampling": True}],
        },
        {
            "id": "my-lora",
            "object": "model",
            "owned_by": "vllm",
            "root": "/loras/mine",
            "parent": "Qwen/Qwen3-Coder",
            "max_model_len": None,
        },
    ],
}
VLLM_VERSION = {"version": "0.11.0"}
VLLM_TOKENIZED = {"count": 4711, "max_model_len": 65536, "tokens": [1, 2, 3], "token_strs": None}

# Recorded from llama.cpp's server in xllamacpp, shortened.
LLAMACPP_LISTED = {
    "models": [{"name": "smol.gguf", "model": "smol.gguf", "capabilities": ["completion"]}],
    "object": "list",
    "data": [
        {
            "id": "smol.gguf",
            "object": "model",
            "created": 1795389228,
            "owned_by": "llamacpp",
            "meta": {"n_ctx": 2048, "n_ctx_train": 8192},
        }
    ],
}
LLAMACPP_PROPS: dict[str, Any] = {
    "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": 2048},
    "total_slots": 1,
    "modalities": {"vision": False, "video": False, "audio": False},
    "chat_template_caps": {"supports_tools": False, "supports_tool_calls": False},
}
LLAMACPP_LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
LLAMACPP_NOT_FOUND = {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}

# sglang python/sglang/srt/entrypoints/openai/protocol.py: the same list as vLLM's, another owner
SGLANG_LISTED = {
    "object": "list",
    "data": [{"id": "m", "object": "model", "owned_by": "sglang", "root": "m", "max_model_len": 40960}],
}
# github.com/LostRuins/koboldcpp, koboldcpp.py: it imitates Ollama's endpoints, too
KOBOLDCPP_LISTED = {
    "object": "list",
    "data": [{"id": "koboldcpp/m", "object": "model", "owned_by": "koboldcpp"}],
}
PLAIN_LISTED = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "me"}]}

SERVERS: Mapping[str, Mapping[str, object]] = {
    "ollama": {
        "/v1/models": OLLAMA_LISTED,
        "/api/version": OLLAMA_VERSION,
        "/api/show": OLLAMA_SHOW,
        "/api/tags": OLLAMA_TAGS,
    },
    "lmstudio": {"/v1/models": LMSTUDIO_LISTED, "/api/v1/models": LMSTUDIO_V1},
    "vllm": {"/v1/models": VLLM_LISTED, "/version": VLLM_VERSION, "/tokenize": VLLM_TOKENIZED},
    "llamacpp": {"/v1/models": LLAMACPP_LISTED, "/props": LLAMACPP_PROPS},
    "openai": {"/v1/models": PLAIN_LISTED},
}


class Routed(RawServer):
    """Answers by path, with an `Answer` or with JSON; what it does not know gets `unknown`."""

    def __init__(self, routes: Mapping[str, object], unknown: Answer | None = None) -> None:
        super().__init__(Answer())
        self.routes = dict(routes)
        self.unknown = unknown or json_answer({"detail": "Not Found"}, 404)

    def answer_to(self, request: Received) -> Answer:
        found = self.routes.get(request.path.partition("?")[0], self.unknown)
        return found if isinstance(found, Answer) else json_answer(found)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.received]


def server_like(kind: str, chat: Answer | None = None) -> Routed:
    """A server that looks like one of that kind; its chat gives `chat`."""
    path = "/api/chat" if kind == "ollama" else "/v1/chat/completions"
    unknown = json_answer(LMSTUDIO_UNKNOWN) if kind == "lmstudio" else None
    return Routed({**SERVERS[kind], **({path: chat} if chat else {})}, unknown)
