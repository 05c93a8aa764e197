"""Made-up runs with their transcripts, diffs and measurements, for tests of what is shown of steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from tamma.cli.inspecting.steps import Subject
from tamma.model.agent import TaskType
from tamma.model.changed import CHANGE_COLLECTED, STEP_CHANGED, diff_data, step_data
from tamma.model.conversation import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult, user
from tamma.model.ids import SessionId
from tamma.model.metrics import QualityPart, RunKind, RunMetrics, StepMetrics
from tamma.model.task import DiffRef
from tamma.store.interface import Entry, NewEvent
from tamma.store.memory import MemoryStore
from tests.cli.samples import STARTED, TASK

ABOUT = Subject(TASK, "acme/tools#12", "Empty input <crashes>", "completed", agent="careful@3")
PATTERN_CANARY = "sk-ant-canary0123456789abcdef"
"""Made up. It looks like a vendor's key, so that it is hidden wherever it stands."""
KNOWN_CANARY = "canary-that-was-loaded-as-a-secret"
NASTY = "</pre><script>alert(1)</script><img src=https://example.org/x.png onerror=alert(2)>"
PATCH = """\
diff --git a/src/parse.py b/src/parse.py
index 1111111..2222222 100644
--- a/src/parse.py
+++ b/src/parse.py
@@ -1,3 +1,3 @@
 def parse(text):
--- text
+    if not text: return None
 end
"""
AGENT = SessionId(f"{TASK}/agent")


def answer(seq: int, at: int, *parts: Part, cost: Decimal | None = Decimal("0.02")) -> Entry:
    return Entry(
        seq,
        Message(Role.ASSISTANT, parts),
        provider="p",
        model="m",
        finish="stop",
        input_tokens=1200,
        output_tokens=80,
        cache_read_tokens=1000,
        cost_usd=cost,
        duration_ms=1500,
        recorded_at=moment(at),
    )


def moment(second: int) -> datetime:
    return STARTED + timedelta(seconds=second)


def given(seq: int, at: int, *parts: Part) -> Entry:
    return Entry(seq, Message(Role.USER, parts), recorded_at=moment(at))


def stage(number: int, step: str, turns: int, error: str = "") -> StepMetrics:
    return StepMetrics(
        number, step, "p", "m", moment(number * 10), 9000, turns, 1200 * turns, 80 * turns, 0,
        Decimal("0.02") * turns, 0, not error, error,
    )  # fmt: skip


def measured(*steps: StepMetrics, error: str = "") -> RunMetrics:
    turns = sum(step.turns for step in steps)
    return RunMetrics(
        "run-1", TASK, RunKind.PRODUCTION, None, "p", "m", ("m",), "acme/tools", "12",
        TaskType.CODE_GENERATION, STARTED, moment(100), 90_000, 10_000, turns, 1200 * turns, 80 * turns, 0,
        Decimal("0.02") * turns, 0, not error, error, 88.0, (QualityPart("tests", 88.0, 1.0, "green"),),
        steps=steps,
    )  # fmt: skip


STAGES = (stage(1, "plan", 1), stage(2, "test", 2), stage(3, "implement", 1), stage(4, "review", 1))


async def made_run() -> MemoryStore:
    """A plan, two steps of a failing test, one that implements (of unknown price), a review.

    A tool's result holds two secrets, and what would break a page that does not escape.
    """
    store = MemoryStore()
    plan = '{"summary": "Mend the\\n parser", "steps": []}'
    await store.append_entries(
        SessionId(f"{TASK}/plan"),
        (user_entry(0, 1, "Plan it."), answer(1, 2, Text(plan))),
    )
    calls = (ToolCall("1", "bash", '{"command": "ls  -l"}'), ToolCall("2", "view", '{"path": "a.py"}'))
    found = f"total 3 {PATTERN_CANARY} {KNOWN_CANARY} {NASTY}"
    await store.append_entries(
        AGENT,
        (
            user_entry(0, 3, "Do it."),
            answer(1, 4, Text("Let me look."), *calls),
            given(2, 6, ToolResult("1", found), ToolResult("2", "no such file", is_error=True)),
            answer(3, 7, Reasoning("hm"), ToolCall("3", "finish", '{"summary": "red"}')),
            given(4, 8, ToolResult("3", "The stage is over.")),
            user_entry(5, 9, "Now mend it."),
            answer(6, 10, ToolCall("4", "str_replace", "{broken"), cost=None),
            given(7, 12, ToolResult("4", "done")),
        ),
    )
    await store.append_entries(
        SessionId(f"{TASK}/review"), (user_entry(0, 13, "Look."), answer(1, 14, Text("Fine.")))
    )
    blob = await store.put_blob(PATCH.encode(), "text/x-diff")
    diff = DiffRef(blob, ("src/parse.py",), 1, 1, 1)
    tags = (f"task:{TASK}",)
    await store.append_events(
        (
            NewEvent("s", STEP_CHANGED, tags, "agent", step_data(AGENT, 6, diff)),
            NewEvent("c0", CHANGE_COLLECTED, tags, "agent", diff_data(DiffRef(None))),
            NewEvent("c1", CHANGE_COLLECTED, tags, "agent", diff_data(diff)),
        )
    )
    await store.record_run(measured(*STAGES))
    return store


def user_entry(seq: int, at: int, text: str) -> Entry:
    return Entry(seq, user(text), recorded_at=moment(at))
