"""Models on the user's own machine or network: llama.cpp (xllamacpp), LM Studio, vLLM, Ollama's `/v1`.

Plain http is fine to this machine; to another one it wants `{"allowInsecureHttp": true}` in the options.
Ollama's `/v1` cannot be told the context window and cuts long prompts silently: set its own default there.
"""

from __future__ import annotations

from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.interface import ProviderSettings

LOCAL = Quirks(
    base_url="http://127.0.0.1:8080/v1",  # llama.cpp's own default
    key_required=False,
)


class LocalLLM(OpenAICompatible):
    """Any OpenAI-compatible server; without `model`, the first one that it lists."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings, LOCAL)
