"""A small authorisation server (RFC 6749, section 6): refresh tokens for one use, and faults where asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs

Fault = tuple[int, dict[str, object]] | Literal["lost"]
"""A status and a body instead of an answer; `lost`: it grants, and the answer does not arrive."""


@dataclass
class TokenServer:
    """What it does, and what it saw."""

    good: str = "canary-refresh-0"
    """The refresh token that it takes next."""
    rotates: bool = True
    """Each refresh token is good for one use."""
    expires_in: object = 3600
    faults: list[Fault] = field(default_factory=list[Fault])
    hold: threading.Event | None = None
    """Answers wait for it."""
    asked: threading.Event = field(default_factory=threading.Event)
    granted: int = 0
    forms: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, form: dict[str, str]) -> Fault:
        """Decide on one request."""
        with self.lock:
            self.forms.append(form)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and fault != "lost":
                return fault
            if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.good:
                return 400, {"error": "invalid_grant"}
            self.granted += 1
            granted: dict[str, object] = {
                "access_token": f"canary-access-{self.granted}",
                "token_type": "bearer",
                "expires_in": self.expires_in,
            }
            if self.rotates:
                self.good = f"canary-refresh-{self.granted}"
                granted["refresh_token"] = self.good
            return fault or (200, granted)


@contextmanager
def token_server(**rules: Any) -> Generator[TokenServer]:
    """Serve on a free port until the block ends."""
    state = TokenServer(**rules)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            decided = state.answer({name: values[0] for name, values in parse_qs(body).items()})
            state.asked.set()
            if state.hold is not None:
                state.hold.wait(20)
            self.close_connection = True
            if decided == "lost":
                return
            status, fields = decided
            content = json.dumps(fields).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if status == 302:
                self.send_header("location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Not to standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        if state.hold is not None:
            state.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
