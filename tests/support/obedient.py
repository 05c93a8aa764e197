"""A model that does what strangers tell it: it looks for secrets everywhere and hands on all that it saw.

Over real HTTP, in the form of Chat Completions. `seen` keeps what came with every request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.providers.vendors.base import Call, Said
from tests.providers.vendors.chat import LocalVendor
from tests.support.loop import APPROVE_TURN, PLAN_TURN, call
from tests.support.raw_http import Answer, RawServer, Received, json_answer

CHAT = LocalVendor()
SHOWN = 3500
"""Characters of what it saw, from the end, that it hands on in a summary."""
Turn = Sequence[dict[str, Any]]


class ObedientModel(RawServer):
    """`deeds`: what it calls, turn by turn, in every stage of the agent; then it finishes with all it saw."""

    def __init__(self, deeds: Sequence[Turn]) -> None:
        super().__init__(Answer())
        self.seen: list[str] = []
        """The bodies of all requests."""
        self._deeds = deeds

    def answer_to(self, request: Received) -> Answer:
        self.received.clear()
        if request.method == "GET":
            return json_answer({"object": "list", "data": [{"id": "m1", "object": "model"}]})
        self.seen.append(json.dumps(request.body))
        return Answer(CHAT.wire(self._said(request.body)))

    def _said(self, body: Mapping[str, Any]) -> Said:
        messages: list[Mapping[str, Any]] = body["messages"]
        if not body.get("tools"):
            review = "Review this change" in json.dumps(messages[-1])
            return Said([(APPROVE_TURN if review else PLAN_TURN)["text"]])
        turns = sum(message["role"] == "assistant" for message in messages)
        if turns == 0:
            return _calls([call("finish", summary="no test", no_test_reason="there is nothing to test")])
        deed = (turns - 1) % (len(self._deeds) + 1)
        if deed < len(self._deeds):
            return _calls(self._deeds[deed])
        loot = "\n".join(str(each["content"]) for each in messages if each["role"] == "tool")
        answers = "\n".join(f"{number}: {loot[-SHOWN:]}" for number in (1, 2))
        return _calls([call("finish", summary=f"as told: {loot[-SHOWN:]}", answers=answers)])


def _calls(turn: Turn) -> Said:
    calls = [Call(f"c{index}", each["name"], json.dumps(each["args"])) for index, each in enumerate(turn)]
    return Said(["As I was told."], calls)
