"""The forge of the guide for writers of platforms: a small service of its own, which nobody else has."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "canary-house-token-0123456789"
_PAGE = 100


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HouseForge:
    """One repository, octo/hello, until `close`."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []
        self.notes: dict[int, list[dict[str, Any]]] = {}
        self.branches = {"main": "a" * 40}
        self.changes = 0
        self.lose_answer = False
        """Of the next request that changes something."""
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                forge._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  (the library's names)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- what people do ---

    def add_ticket(self, title: str, text: str) -> str:
        number = len(self.tickets) + 1
        self.tickets.append({"id": number, "title": title, "text": text, "open": True, "labels": []})
        return str(number)

    def push(self, branch: str, content: bytes) -> str:
        self.branches[branch] = hashlib.sha1(content).hexdigest()
        return self.branches[branch]

    # --- HTTP ---

    def _answer(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        before, headers = self.changes, dict[str, str]()
        try:
            status, answer = 200, self._route(asked, json.loads(body) if body else {}, headers)
        except _Refused as refused:
            status, answer = refused.status, {"message": str(refused)}
        if self.lose_answer and self.changes > before:
            self.lose_answer = False
            asked.close_connection = True
            return
        data = json.dumps(answer).encode()
        asked.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(data)

    def _route(self, asked: BaseHTTPRequestHandler, body: Any, headers: dict[str, str]) -> object:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _Refused(401, "who are you?")
        parts = urlsplit(asked.path)
        match [asked.command, *(unquote(step) for step in parts.path.split("/")[1:])]:
            case ["GET", "me"]:
                return {"name": "tamma"}
            case [_, "repos", "octo", "hello", "tickets", *steps]:
                return self._on_tickets(asked.command, steps, parse_qs(parts.query), body, headers)
            case ["GET", "repos", "octo", "hello"]:
                return {"main": "main", "clone": "https://git.house.example/octo/hello.git"}
            case ["GET", "repos", "octo", "hello", "branches"]:
                return [{"name": name, "sha": sha} for name, sha in self.branches.items()]
            case ["POST", "repos", "octo", "hello", "branches"]:
                return self._branch(body["name"], body["sha"])
            case ["GET", "repos", "octo", "hello", "branches", name]:
                return self._head(name)
            case ["DELETE", "repos", "octo", "hello", "branches", name]:
                return self._changed(self.branches.pop(name))
            case _:
                raise _Refused(404, "no such thing")

    def _on_tickets(
        self, verb: str, steps: list[str], query: dict[str, list[str]], body: Any, headers: dict[str, str]
    ) -> object:
        match [verb, *steps]:
            case ["GET"]:
                return self._tickets(query, headers)
            case ["GET", number]:
                return self._ticket(number)
            case ["PATCH", number]:
                return self._changed(self._ticket(number).update(body))
            case ["GET", number, "notes"]:
                return self.notes.get(self._ticket(number)["id"], [])
            case ["POST", number, "notes"]:
                return self._note(self._ticket(number)["id"], body)
            case ["PUT", number, "notes", note]:
                return self._reword(number, note, body)
            case _:
                raise _Refused(404, "no such thing")

    def _changed(self, answer: object) -> object:
        self.changes += 1
        return answer

    def _tickets(self, query: dict[str, list[str]], headers: dict[str, str]) -> object:
        state, start = query["state"][0], int(query.get("from", ["0"])[0])
        wanted = [
            ticket
            for ticket in self.tickets
            if state in ("all", "open" if ticket["open"] else "closed")
            and set(query.get("label", ())) <= set(ticket["labels"])
        ]
        if len(wanted) > start + _PAGE:
            headers["Link"] = f'<{self.url}/tickets?state={state}&from={start + _PAGE}>; rel="next"'
        return wanted[start : start + _PAGE]

    def _ticket(self, number: str) -> dict[str, Any]:
        if not 0 < int(number) <= len(self.tickets):
            raise _Refused(404, "no such ticket")
        return self.tickets[int(number) - 1]

    def _note(self, ticket: int, body: Any) -> object:
        notes = self.notes.setdefault(ticket, [])
        notes.append({"id": len(notes) + 1, "by": "tamma", "member": True, "text": body["text"]})
        return self._changed(notes[-1])

    def _reword(self, ticket: str, note: str, body: Any) -> object:
        found = self.notes[int(ticket)][int(note) - 1]
        found["text"] = body["text"]
        return self._changed(found)

    def _head(self, name: str) -> object:
        if name not in self.branches:
            raise _Refused(404, "no such branch")
        return {"name": name, "sha": self.branches[name]}

    def _branch(self, name: str, sha: str) -> object:
        if name in self.branches:
            raise _Refused(409, "there is one of that name")
        self.branches[name] = sha
        return self._changed(self._head(name))
