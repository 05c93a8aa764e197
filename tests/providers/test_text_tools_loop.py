"""A whole run by a model without tool calls: real Temporal, git and sandbox; the model's text is scripted.

This shows that the protocol carries a run. Whether a given small model can follow it is another question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma import registry
from tamma.model.conversation import Capabilities
from tamma.model.task import TaskStatus
from tamma.providers.interface import ProviderSettings
from tamma.providers.scripted.provider import Scripted
from tamma.providers.text_tools.provider import TextTools
from tests.support.loop import RED, RED_COMMAND, TEST, running_loop, script
from tests.support.temporal import client, temporal_address

__all__ = ["client", "temporal_address"]


class _Toolless(Scripted):
    def capabilities(self, model: str) -> Capabilities:
        return replace(super().capabilities(model), tools=False)


class ScriptedText(TextTools):
    """A scripted model that has no tool calls, as a pool would make it."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(_Toolless(settings))


AGENT = [
    {"text": 'Let me look.\n\n```tool view\n{"path": "calc.py"}\n```'},
    {
        "expect": {"last_contains": '<tool_result tool="view">\n     1\tdef mean'},
        "text": f"A failing test:\n\ntests/test_mean.py\n<<<<<<< SEARCH\n=======\n{RED}>>>>>>> REPLACE\n"
        f"```bash run\n{RED_COMMAND}\n```",
    },
    {
        "expect": {"last_contains": "[exit code 1]"},
        "text": "```tool finish\n"
        f'{{"summary": "a failing test", "test_command": "{RED_COMMAND}", '
        '"test_files": ["tests/test_mean.py"],}\n```',
    },
    # One that cannot be read: the model is told, and does better.
    {"text": "calc.py\n<<<<<<< SEARCH\n    return sum(values) / (len(values) + 1)\n>>>>>>> REPLACE"},
    {
        "expect": {"last_contains": "could not be read: no line ======="},
        "text": "calc.py\n```python\n<<<<<<< SEARCH\n    return sum(values) / (len(values) + 1)\n=======\n"
        f"    return sum(values) / len(values)\n>>>>>>> REPLACE\n```\nNow the tests:\n"
        f"```bash run\n{TEST}\n```\n",
    },
    {
        "expect": {"last_contains": "OK"},
        "text": '```tool finish\n{"summary": "mean() divides by the number of values"}',
    },
]


@pytest.fixture
def text_only() -> Iterator[None]:
    """The scripted provider of this process has no tool calls."""
    registry.providers.register("scripted", f"{__name__}:ScriptedText")
    yield
    registry.providers.register("scripted", registry.PROVIDERS["scripted"])


@pytest.mark.usefixtures("text_only")
async def test_a_bug_is_fixed_by_text_alone(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=script(agent=AGENT)) as loop:
        handle = await loop.submit()
        result = await handle.result()
        seen = await loop.view(handle)
        assert result.status is TaskStatus.COMPLETED, seen
        assert loop.show("main:calc.py") == "def mean(values):\n    return sum(values) / len(values)"
        assert loop.show("main:tests/test_mean.py") + "\n" == RED
        assert seen.red_test is not None
        assert seen.red_test.exit_code == 1
        assert result.spend.turns == 8
