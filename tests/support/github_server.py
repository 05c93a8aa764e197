"""A small GitHub in this process, over a real bare Git repository.

Every request and every answer is checked against GitHub's published description; what is not as described is
collected in `violations`, and a test's teardown asserts that there is none. No Git transport: clone from
`path`, deliver commits by the Git data API.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.support.github_routes import ROUTES, ApiError, Call
from tests.support.github_world import World
from tests.support.openapi import ApiDescription

FaultKind = Literal["lost_answer", "no_connection", "rate_limit", "secondary_limit", "error", "error_after"]


@dataclass
class Fault:
    """Strikes the next `times` requests that fit. `lost_answer` and `error_after` act first."""

    method: str
    path: str
    kind: FaultKind
    times: int = 1
    retry_after: int | None = 7
    struck: int = 0


@dataclass
class GitHubServer:
    """Start with `with GitHubServer(description, path) as server`; `server.url` is the API's address."""

    description: ApiDescription
    path: Path
    token: str = "t0ken-of-the-bot"
    world: World = field(init=False)
    faults: list[Fault] = field(default_factory=list[Fault])
    violations: list[str] = field(default_factory=list[str])
    effects: Counter[str] = field(default_factory=Counter[str])
    """Writes that were carried out: "POST /repos/{owner}/{repo}/pulls" -> how often."""
    requests: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.world = World(self.path)
        self.lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.world.url = self.url

    def __enter__(self) -> GitHubServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def fail(
        self, method: str, path: str, kind: FaultKind, times: int = 1, retry_after: int | None = 7
    ) -> None:
        """Let the next `times` requests whose path contains the regular expression `path` fail."""
        self.faults.append(Fault(method, path, kind, times, retry_after))

    def answer(self, method: str, target: str, body: Any, token: str) -> tuple[int, Any, dict[str, str], str]:
        """Status, body, headers, and what the connection does: `send`, `close`."""
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        with self.lock:
            self.requests.append(f"{method} {path}")
            fault = self._fault(method, path)
            if fault is not None and fault.kind not in ("lost_answer", "error_after"):
                return self._failure(fault)
            status, answer, headers = self._act(method, path, query, body, token)
            if fault is not None:
                return (
                    (502, {"message": "Bad Gateway"}, {}, "send")
                    if fault.kind == "error_after"
                    else (0, None, {}, "close")
                )
            return status, answer, headers, "send"

    def _act(
        self, method: str, path: str, query: dict[str, str], body: Any, token: str
    ) -> tuple[int, Any, dict[str, str]]:
        operation = self.description.match(method, path)
        name = f"{method} {operation.template}" if operation else f"{method} {path}"
        if operation is None:
            self.violations.append(f"{name}: there is no such operation")
            return 404, _error("Not Found"), {}
        self.violations += [
            f"{name}: {problem}" for problem in self.description.request_problems(operation, query, body)
        ]
        call = Call(self.world, self.description, operation.parameters, query, body or {})
        try:
            status, answer = self._route(name, token)(call)
            if method != "GET":
                self.effects[name] += 1
        except ApiError as error:
            status, answer = error.status, _error(error.message, error.errors)
        self.violations += [
            f"{name} -> {status}: {problem}"
            for problem in self.description.response_problems(operation, status, answer)
        ]
        headers = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
            "X-OAuth-Scopes": "repo, workflow",
        }
        headers["X-RateLimit-Reset"] = str(int(time.time()) + 3600)
        if call.links:
            headers["Link"] = ", ".join(
                f'<{self.url}{path}?{query}>; rel="{rel}"' for rel, query in call.links.items()
            )
        return status, answer, headers

    def _route(self, name: str, token: str) -> Callable[[Call], tuple[int, Any]]:
        if token != self.token:
            raise ApiError(401, "Bad credentials" if token else "Requires authentication")
        if name not in ROUTES:
            self.violations.append(f"{name}: this server does not have it")
            raise ApiError(404, "Not Found")
        return ROUTES[name]

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.struck < fault.times and fault.method == method and re.search(fault.path, path):
                fault.struck += 1
                return fault
        return None

    def _failure(self, fault: Fault) -> tuple[int, Any, dict[str, str], str]:
        if fault.kind == "no_connection":
            return 0, None, {}, "close"
        if fault.kind == "error":
            return 502, {"message": "Bad Gateway"}, {}, "send"
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.kind == "rate_limit":
            return 429, _error("API rate limit exceeded"), {**headers, "X-RateLimit-Remaining": "0"}, "send"
        return 403, _error("You have exceeded a secondary rate limit. Please wait."), headers, "send"


def _error(message: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return answer if errors is None else {**answer, "errors": errors}


def _handler(server: GitHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True  # the client went away: nothing is left to answer

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "").rpartition(" ")[2]
            status, answer, headers, ending = server.answer(self.command, self.path, body, token)
            if ending == "close":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet: requests are listed in `server.requests`."""

    return Handler
