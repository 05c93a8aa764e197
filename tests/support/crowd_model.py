"""A model's service for many runs at once, over real HTTP: each run is known by the word of its issue.

It may be stormy: from time to time it refuses every request of a key for some seconds, and says how long in
one of the forms that services use. What came, and when, is in `calls`.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from tests.providers.vendors.base import Call as SaidCall
from tests.providers.vendors.base import Said
from tests.providers.vendors.chat import LocalVendor
from tests.support.loop import APPROVE_TURN, call, turn
from tests.support.raw_http import Answer, RawServer, Received, json_answer

CHAT = LocalVendor()
MODEL = "crowd"
WORD = re.compile(r"canary-word-[0-9a-f]{12}")
LOOK = "cat README.md; cat ../*/README.md ../../*/tree/README.md ../../*/tree/*.txt 2>/dev/null; true"
"""The agent's first command: it also reads whatever it can reach of its neighbours."""
Form = Literal["seconds", "date", "reset"]
FORMS: tuple[Form, ...] = ("seconds", "date", "reset")


def script(word: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """What the model says in the run with this word."""
    plan = {
        "summary": f"write {word}",
        "steps": [{"title": "write it", "files": ["answer.txt"]}],
        "risks": [],
        "ambiguities": [],
        "test": "none",
    }
    agent = [
        turn(call("finish", summary="nothing to show", no_test_reason="a word has no test")),
        turn(call("bash", command=LOOK), text="Let me look."),
        turn(call("create", path="answer.txt", content=f"{word}\n")),
        turn(call("finish", summary=f"wrote {word}")),
    ]
    return {"plan": [turn(text=json.dumps(plan))], "agent": agent, "review": [APPROVE_TURN]}


@dataclass(frozen=True)
class Call:
    """One request. Times are of time.monotonic()."""

    at: float
    key: str
    words: frozenset[str]
    """Of which runs it speaks: it must be one."""
    status: int


@dataclass
class Storm:
    """One refusal of everything, for one key."""

    form: Form
    began: float
    until: float
    early: list[float] = field(default_factory=list[float])
    """Seconds after `began` at which requests came nevertheless."""


class CrowdModel(RawServer):
    """`storms`: for each key so many, one after each `calm` answers; each lasts `seconds`."""

    def __init__(self, *, storms: int = 0, calm: int = 0, seconds: float = 0.0) -> None:
        super().__init__(Answer())
        self.calls: list[Call] = []
        self.storms: defaultdict[str, list[Storm]] = defaultdict(list)
        self.trouble = ""
        """What this service could not answer: the test's own fault."""
        self._most, self._calm, self._seconds = storms, calm, seconds
        self._answered: defaultdict[str, int] = defaultdict(int)

    def answer_to(self, request: Received) -> Answer:
        self.received.clear()  # every request holds its whole conversation
        if request.method == "GET":
            return json_answer({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        now, key = time.monotonic(), request.headers.get("authorization", "")
        words = frozenset(WORD.findall(json.dumps(request.body)))
        refused = self._refused(key, now)
        self.calls.append(Call(now, key, words, 429 if refused else 200))
        if refused:
            return refused
        self._answered[key] += 1
        try:
            return Answer(CHAT.wire(_said(request.body, min(words))))
        except (LookupError, ValueError) as error:
            self.trouble = f"{error!r} for {str(request.body['messages'][-1])[:2000]}"
            raise

    def _refused(self, key: str, now: float) -> Answer | None:
        storms = self.storms[key]
        if storms and now < storms[-1].until:
            storms[-1].early.append(now - storms[-1].began)
            return _refusal(storms[-1], now)
        if len(storms) < self._most and self._answered[key] >= self._calm * (len(storms) + 1):
            form = FORMS[(len(storms) + len(self.storms)) % len(FORMS)]
            storms.append(Storm(form, now, _ending(form, now + self._seconds)))
            return _refusal(storms[-1], now)
        return None


def _ending(form: Form, until: float) -> float:
    """A date has whole seconds."""
    if form == "seconds":
        return until
    wall = time.time() - time.monotonic()
    return math.ceil(until + wall) - wall


def _refusal(storm: Storm, now: float) -> Answer:
    ends = round(storm.until + time.time() - time.monotonic(), 3)
    headers = {
        "seconds": {"retry-after": f"{storm.until - now:.3f}"},
        "date": {"retry-after": format_datetime(datetime.fromtimestamp(round(ends), UTC), usegmt=True)},
        "reset": {"x-ratelimit-reset": f"{round(ends)}", "x-ratelimit-remaining": "0"},
    }[storm.form]
    answer = json_answer(CHAT.error_body(429, "rate_limit_error", "slow down"), 429)
    return Answer(answer.steps, 429, headers, answer.content_type)


def _said(body: Mapping[str, Any], word: str) -> Said:
    messages: list[Mapping[str, Any]] = body["messages"]
    lane, number = "plan", sum(message["role"] == "assistant" for message in messages)
    if body.get("tools"):
        lane = "agent"
    elif "Review this change" in json.dumps(messages[-1]):
        lane = "review"
    played = script(word)[lane][number]
    calls = [
        SaidCall(f"c{index}", each["name"], json.dumps(each["args"]))
        for index, each in enumerate(played.get("tool_calls", ()))
    ]
    return Said([played["text"]], calls)
