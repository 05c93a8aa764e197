"""The accounts that are there without any configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamma.model.references import PLAIN_GIT

_DEMO_SCRIPT = str(Path(__file__).parents[1] / "demo" / "turns.json")
"""What `scripted` plays unless an entry names another file: the turns of `tamma demo`."""

BUILT_IN: dict[str, Any] = {
    "providers": {
        "available": [
            {
                "providerId": "anthropic-claude",
                "providerType": "anthropic-claude",
                "apiKey": "env:ANTHROPIC_API_KEY",
            },
            *(
                {"providerId": name, "providerType": name, "apiKey": f"env:{variable}"}
                for name, variable in (
                    ("openai", "OPENAI_API_KEY"),
                    ("gemini", "GEMINI_API_KEY"),
                    ("openrouter", "OPENROUTER_API_KEY"),
                    ("zai", "ZAI_API_KEY"),
                )
            ),
            {
                "providerId": "github-copilot",
                "providerType": "github-copilot",
                "apiKey": "env:COPILOT_GITHUB_TOKEN",
            },
            {"providerId": "opencode", "providerType": "opencode"},
            {"providerId": "local-llm", "providerType": "local-llm"},
            {"providerId": "scripted", "providerType": "scripted", "options": {"script": _DEMO_SCRIPT}},
        ]
    },
    "platforms": {
        "available": [
            {
                "platformId": "github.com",
                "platformType": "github",
                "credentials": {"accessToken": "env:GITHUB_TOKEN"},
            },
            {"platformId": PLAIN_GIT, "platformType": PLAIN_GIT, "authType": "ssh"},
        ]
    },
}
"""The accounts that need no configuration; a file's entry of the same id changes or completes them."""
