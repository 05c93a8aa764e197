"""An MCP server on standard streams that does as its one argument, a JSON object, says. Not imported: run.

Written without the SDK: it starts in 30 ms, and can break the protocol in ways that the SDK would not.

    {"tools": [...], "answers": [RESULT, ...], "mode": "...", "log": PATH}

`answers` are given in turn, the last one for ever; those too long for an argument stand in a file,
`answers_from`. `log` gets a line for each call. The modes: see `_MODES`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

ORDER: dict[str, Any] = json.loads(sys.argv[1])
if "answers_from" in ORDER:
    with open(ORDER["answers_from"], encoding="utf-8") as stored:
        ORDER["answers"] = json.load(stored)
TOOL = {"name": "chat", "description": "talks", "inputSchema": {"type": "object"}}
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 200}}
QUESTION = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def send(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any], result: object) -> None:
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


def text(words: str, *, error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], "isError": error}


def die() -> None:
    sys.stderr.write("out of cheese, key is " + os.environ.get("CANARY", "none") + "\n")
    sys.stderr.flush()
    os._exit(3)


def flood(line: str) -> None:
    while True:
        sys.stdout.write(line)


_MODES: dict[str, Callable[[dict[str, Any]], object]] = {
    "die": lambda _: die(),
    "silent": lambda _: time.sleep(3600),
    "garbage": lambda _: flood("this is no JSON\n"),
    "line": lambda _: flood("x" * 1000),
    "notes": lambda _: flood(json.dumps(NOTE) + "\n"),
    "questions": lambda _: flood(json.dumps(QUESTION) + "\n"),
    "stderr": lambda _: [sys.stderr.write("x" * 1000) for _ in iter(int, 1)],
    "huge": lambda request: answer(request, text("x" * 20_000_000)),
    "large": lambda request: answer(request, text("x" * 900_000)),
    "nonsense": lambda request: answer(request, {"content": "not a list"}),
    "refuse": lambda request: send(
        {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "Unknown tool: x"}}
    ),
    "environment": lambda request: answer(request, text(json.dumps([dict(os.environ), os.getcwd()]))),
    "echo": lambda request: answer(request, text(json.dumps(request["params"]["arguments"]))),
    "pid": lambda request: answer(request, text(str(os.getpid()))),
}


def on_call(request: dict[str, Any], counter: list[int]) -> None:
    if "log" in ORDER:
        with open(ORDER["log"], "a", encoding="utf-8") as log:
            log.write(json.dumps(request["params"]) + "\n")
    if mode := ORDER.get("mode"):
        _MODES[mode](request)
        return
    answers = ORDER["answers"]
    answer(request, answers[min(counter[0], len(answers) - 1)])
    counter[0] += 1


def on_list(request: dict[str, Any]) -> None:
    tools = ORDER.get("tools", [TOOL])
    at = int(request.get("params", {}).get("cursor") or 0)
    size = ORDER.get("page", 100)
    more = {"nextCursor": str(at + size)} if at + size < len(tools) or ORDER.get("endless") else {}
    answer(request, {"tools": tools[at : at + size] or tools[:1], **more})


def main() -> None:
    if "needs" in ORDER and not os.path.exists(ORDER["needs"]):
        sys.exit(1)
    if ORDER.get("deaf"):
        time.sleep(3600)
    print("Welcome! This line is no message, as some servers have it.", flush=True)
    counter = [0]
    for line in sys.stdin:
        request = json.loads(line)
        match request.get("method"):
            case "initialize":
                info = {"name": "script", "version": "1"}
                version = request["params"]["protocolVersion"]
                answer(
                    request,
                    {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info},
                )
            case "tools/list":
                on_list(request)
            case "tools/call":
                on_call(request, counter)
            case _:
                pass
    if ORDER.get("undying"):
        time.sleep(3600)


main()
