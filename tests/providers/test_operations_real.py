"""Operations and the text protocol with a real model: SmolLM2, held to a schema by llama.cpp's grammar.

135 million parameters fill a form and do no more: what they say is of no use, and they write no blocks on
their own. This shows that a real server takes the schemas, and that a real model's text passes the wrapper.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.errors import BadAnswer
from tamma.model.conversation import Request, Tool, user
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.local.provider import LocalLLM
from tamma.providers.operations.operations import Operations
from tamma.providers.operations.types import Finding, Review, ReviewChanges
from tamma.providers.text_tools.provider import TextTools
from tests.support.local_model import local_model

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]
DIFF = "--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n def half(x):\n-    return x / 3\n+    return x / 2\n"
NOTE = Tool("note", "Note a word.", {"type": "object", "properties": {"word": {"type": "string"}}})


async def test_a_real_model_is_held_to_an_operation_s_form() -> None:
    """One server for all that is asked: loading the model takes longer than asking."""
    async with local_model() as url:
        settings = ProviderSettings("smol", "local-llm", base_url=url, stall_timeout=120, temperature=0.0)
        # Each with connections of its own: the server hangs up after a stream, and a call that meets it doing
        # so is one for Temporal to repeat.
        for ask in (a_review, a_tool_by_text):
            provider = LocalLLM(replace(settings, capabilities={"structured_output": True, "tools": False}))
            try:
                await ask(provider)
            finally:
                await provider.close()


async def a_review(provider: LocalLLM) -> None:
    operations = Operations(provider, max_output_tokens=400)
    try:
        outcome = await operations.review_changes(ReviewChanges(DIFF, "half() divides by two"))
    except BadAnswer as error:
        pytest.fail(f"the grammar holds it to the form: {error}")
    assert isinstance(outcome.answer, Review)
    assert all(isinstance(finding, Finding) for finding in outcome.answer.findings)
    assert 0 < outcome.usage.output_total <= 400 * outcome.calls
    assert not outcome.usage.estimated


async def a_tool_by_text(provider: LocalLLM) -> None:
    request = Request("", (user("Say hello."),), tools=(NOTE,), max_output_tokens=40, temperature=0.0)
    completion = await complete(TextTools(provider), request)
    assert completion.message.text or completion.message.tool_calls
    assert completion.finish.usage.input_total > 100, "the tool stands in the prompt"
