"""Sampling parameters: each service's names, and what is left out is named."""

from __future__ import annotations

import pytest

from tamma.model.conversation import Capabilities, Message, Request, Role, Text, Tool, user
from tamma.providers.anthropic import messages as anthropic
from tamma.providers.catalogue.models import ModelEntry
from tamma.providers.common.sampling import OPENAI, sampling
from tamma.providers.gemini import messages as gemini
from tamma.providers.openai import messages as openai

ASKED = Request("m", (user("hi"),), temperature=0.0, top_p=0.9, frequency_penalty=0.1, presence_penalty=0.2)
VALUES = {"temperature": 0.0, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.2}


def test_what_is_not_asked_for_is_neither_sent_nor_missed() -> None:
    dropped: list[str] = []
    assert sampling(Request("m", ()), OPENAI, taken=True, dropped=dropped) == {}
    assert dropped == []


@pytest.mark.parametrize(
    ("names", "taken", "sent", "missed"),
    [
        (OPENAI, True, VALUES, []),
        (OPENAI, False, {}, list(VALUES)),
        (
            openai._SAMPLING,  # pyright: ignore[reportPrivateUsage] - the table is what is looked at
            True,
            {"temperature": 0.0, "top_p": 0.9},
            ["frequency_penalty", "presence_penalty"],
        ),
        (
            gemini._SAMPLING,  # pyright: ignore[reportPrivateUsage] - the table is what is looked at
            True,
            {"temperature": 0.0, "topP": 0.9, "frequencyPenalty": 0.1, "presencePenalty": 0.2},
            [],
        ),
    ],
)
def test_each_service_gets_what_it_has_a_name_for(
    names: dict[str, str], taken: bool, sent: dict[str, float], missed: list[str]
) -> None:
    dropped: list[str] = []
    assert sampling(ASKED, names, taken=taken, dropped=dropped) == sent
    assert dropped == missed


def test_what_conversations_share_takes_a_mark_of_its_own() -> None:
    """Four marks are allowed: the system's words cover the tools before them."""
    entry = ModelEntry(Capabilities("m", prompt_cache=True))
    opening = Message(Role.USER, (Text("the map"), Text("the issue")))
    talk = (opening, Message(Role.ASSISTANT, (Text("hm"),)), user("go"))
    tools = (Tool("bash", "run", {"type": "object"}),)
    built = anthropic.build(Request("m", talk, system="be good", tools=tools), "m", entry).arguments
    marked = [
        text
        for turn in built["messages"]
        for block in turn["content"]
        if "cache_control" in block and (text := block["text"])
    ]
    assert marked == ["the map", "the issue", "go"]
    assert "cache_control" in built["system"][-1]
    assert "cache_control" not in built["tools"][-1]
    plain = anthropic.build(Request("m", (user("hi"),), system="be good", tools=tools), "m", entry).arguments
    assert "cache_control" in plain["tools"][-1]
