"""A trajectory in mini-swe-agent's format, for its inspector and for tools that read its files. Pure.

Source: `trajectory_format` "mini-swe-agent-1.1" as its documentation (docs/usage/output_files.md),
`DefaultAgent.serialize` and its inspector describe it: OpenAI's chat messages with an `extra` of their own.

What it has no place for is in `extra` under `tamma`. Its agents know one tool, `bash`; a call of another one
is an action whose command is the call in words. Transcripts hold no system prompt, so that none is here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from tamma import __version__
from tamma.cli.inspecting.steps import Step, Trajectory, totals
from tamma.cli.shapes import Json, number
from tamma.model.conversation import Image, Reasoning, Text, ToolCall, ToolResult
from tamma.model.task import Gate, TaskStatus
from tamma.store.interface import Entry

FORMAT = "mini-swe-agent-1.1"
_ENDS = {
    Gate.BUDGET.value: "LimitsExceeded",
    Gate.TURNS.value: "LimitsExceeded",
    Gate.TIME.value: "TimeExceeded",
    "timeout": "TimeExceeded",
}
"""Our reasons that have a name there; others keep their own."""


def document(told: Trajectory) -> Json:
    """The whole run as one conversation, in the order of its steps."""
    total = totals(told.steps)
    status = exit_status(told)
    submission = told.change.patch if told.change else ""
    messages = [message for step in told.steps for message in _messages(step)]
    if status:
        extra: Json = {"exit_status": status, "submission": submission}
        messages.append({"role": "exit", "content": submission, "extra": extra})
    return {
        "info": {
            "model_stats": {"instance_cost": number(total.cost_usd), "api_calls": total.steps},
            "config": {
                "agent": {"name": told.subject.agent},
                "agent_type": "tamma",
                "model": {"model_name": _model(told)},
                "model_type": "tamma",
            },
            "exit_status": status,
            "submission": submission,
            "tamma": {"version": __version__, "task_id": told.subject.task_id, "name": told.subject.name},
        },
        "messages": messages,
        "trajectory_format": FORMAT,
    }


def exit_status(told: Trajectory) -> str:
    """Theirs where they have one; empty while the run goes on, as in a file that they have not finished."""
    if told.run is None:
        ended = {TaskStatus.COMPLETED.value: "Submitted", TaskStatus.CANCELLED.value: "cancelled"}
        return "" if told.subject.live else ended.get(told.subject.status, told.subject.status)
    return "Submitted" if told.run.success else _ENDS.get(told.run.error_type, told.run.error_type)


def _model(told: Trajectory) -> str:
    answers = [step.answer for step in told.steps]
    return f"{answers[-1].provider}/{answers[-1].model}" if answers else ""


def _messages(step: Step) -> Iterable[Json]:
    for entry in step.given:
        yield {"role": "user", "content": _content(entry), "extra": _extra(entry, step)}
    yield _answer(step)
    if step.results is None:
        return
    for part in step.results.message.parts:
        if isinstance(part, ToolResult):
            yield {
                "role": "tool",
                "tool_call_id": part.call_id,
                "content": part.content,
                "extra": {
                    "raw_output": part.content,
                    # Transcripts keep what the model was shown, which is no exit code.
                    "returncode": None,
                    "exception_info": None,
                    "is_error": part.is_error,
                    **_extra(step.results, step),
                },
            }


def _answer(step: Step) -> Json:
    entry = step.answer
    calls = entry.message.tool_calls
    message: Json = {"role": "assistant", "content": entry.message.text}
    thoughts = "\n".join(part.text for part in entry.message.parts if isinstance(part, Reasoning))
    if thoughts:
        message["reasoning_content"] = thoughts
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.args_json}}
            for call in calls
        ]
    message["extra"] = {
        "actions": [{"command": _command(call), "tool_call_id": call.id} for call in calls],
        # A sum must come out of it: what is not known counts nothing, and is told below.
        "cost": number(entry.cost_usd) if entry.cost_usd is not None else 0.0,
        "response": {
            "model": entry.model,
            "usage": {
                "prompt_tokens": entry.input_tokens,
                "completion_tokens": entry.output_tokens,
                "total_tokens": entry.input_tokens + entry.output_tokens,
            },
        },
        **_extra(entry, step, cost_known=entry.cost_usd is not None),
    }
    return message


def _extra(entry: Entry, step: Step, **more: object) -> Json:
    tamma: Json = {"session": step.session, "seq": entry.seq, "step": step.number, **more}
    return {"timestamp": _timestamp(entry.recorded_at), "tamma": tamma}


def _timestamp(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _command(call: ToolCall) -> str:
    if call.name == "bash":
        try:
            args: object = json.loads(call.args_json)
        except ValueError:
            return call.args_json
        command = cast("dict[str, object]", args).get("command") if isinstance(args, dict) else None
        if isinstance(command, str):
            return command
    return f"{call.name} {call.args_json}"


def _content(entry: Entry) -> str | list[Json]:
    """Text, or a list of parts where there are images."""
    parts = entry.message.parts
    texts = [part.text for part in parts if isinstance(part, Text)]
    images = [part for part in parts if isinstance(part, Image)]
    if not images:
        return "\n\n".join(texts)
    return [
        *({"type": "text", "text": text} for text in texts),
        *(
            {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data_base64}"}}
            for image in images
        ),
    ]
