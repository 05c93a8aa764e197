"""A platform's API in this process: the world, seen through a face.

Every request and every answer is checked against the published description; what is not as described is
collected in `violations`, and a test's teardown asserts that there is none. No Git transport: clone from the
repository's path, deliver commits by the API.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tamma.errors import PlatformError
from tests.support.forge.calls import ApiError, Call, Handler, Reply, Request
from tests.support.forge.description import Description
from tests.support.forge.face import TOKEN, Face, Tokens
from tests.support.forge.faults import ACTS_FIRST, Crash, CrashKind, Fault, FaultKind
from tests.support.forge.operations import Operation, Template
from tests.support.forge.transport import Ending, handler
from tests.support.forge.world import World

_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Logged:
    """A request that came, secrets left out."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    operation: str
    """As described; empty where there is none, or the request never got so far."""
    status: int
    """Of the answer; 0 where there was none."""
    body: Any = None


class ApiServer:
    """`with ApiServer(world, face) as server`: `server.url` is its address."""

    def __init__(self, world: World, face: Face, token: str = TOKEN) -> None:
        self.face = face
        self.token = token
        self.lock = threading.RLock()
        self._undescribed = [
            (name, Template(name.partition(" ")[2], face.slashes)) for name in face.routes.undescribed
        ]
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler(self.answer, self._closing))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread: threading.Thread | None = None
        self.use(world)

    def use(self, world: World) -> None:
        """Show this world from now on, with nothing counted, logged or about to fail."""
        with self.lock:
            self.world = world
            world.url = self.url
            self.tokens = Tokens({self.token: world.bot})
            self.violations: list[str] = []
            self.log: list[Logged] = []
            self.effects: Counter[str] = Counter()
            """Writes that were answered as done: "POST /repos/{owner}/{repo}/pulls" -> how often."""
            self.writes = 0
            """Requests that were no reads."""
            self.changes = 0
            """Requests that changed the world."""
            self.faults: list[Fault] = []
            self.crash: Crash | None = None

    def __enter__(self) -> ApiServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    @property
    def requests(self) -> list[str]:
        """ "GET /path" of all that came."""
        return [f"{logged.method} {logged.path}" for logged in self.log]

    # --- faults ----------------------------------------------------------------------------------------

    def fail(
        self, method: str, path: str, kind: FaultKind, times: int = 1, retry_after: int | None = 7
    ) -> None:
        """Let the next `times` requests whose path contains the regular expression `path` fail."""
        self.faults.append(Fault(method, path, kind, times, retry_after))

    def rate_limited(self, times: int = 1, retry_after: int | None = 7) -> None:
        """Refuse the next requests, whatever they are, as one too many."""
        self.fail("", "", "rate_limit", times, retry_after)

    def stall(self, times: int = 1) -> None:
        """Take the next requests and answer them never (until the server closes)."""
        self.fail("", "", "stall", times)

    def arm(self, kind: CrashKind | None, nth: int = 0) -> None:
        """Strike at the nth request from now on, counted from 0; None: only begin to count."""
        self.writes = self.changes = 0
        self.crash = None if kind is None else Crash(kind, nth)

    # --- answering -------------------------------------------------------------------------------------

    def answer(self, request: Request) -> tuple[Reply, Ending]:
        """What to send, and what becomes of the connection."""
        with self.lock:
            safe = request.method in _SAFE
            fault = next((f for f in self.faults if f.strikes(request.method, request.path)), None)
            reply, ending, operation = self._answer(request, fault, safe)
            self._log(request, operation, reply.status if ending == "send" else 0)
            return reply, ending

    def _answer(self, request: Request, fault: Fault | None, safe: bool) -> tuple[Reply, Ending, str]:
        if fault is not None and fault.kind not in ACTS_FIRST:
            return (*self._failure(fault), "")
        crash, writes = self.crash, self.writes
        self.writes += not safe
        if crash is not None and crash.before(writes, safe):
            return self._bad_gateway(), "send", ""
        before = sum(self.world.effects.values())
        reply, operation = self._act(request)
        changed = sum(self.world.effects.values()) != before
        nth = self.changes
        self.changes += changed
        if fault is not None:
            lost = fault.kind == "lost_answer"
            return (reply, "close", operation) if lost else (self._bad_gateway(), "send", operation)
        if crash is not None and crash.after(nth, changed):
            lost = crash.kind == "lose_answer"
            return (reply, "close", operation) if lost else (self._bad_gateway(), "send", operation)
        return reply, "send", operation

    def _act(self, request: Request) -> tuple[Reply, str]:
        found = self._find(request)
        if found is None:
            name = f"{request.method} {request.path}"
            self.violations.append(f"{name}: there is no such operation")
            return self.face.error(ApiError(404, "Not Found")), name
        api, operation, at = found
        described = operation.name not in self.face.routes.undescribed
        if described:
            form = {part.name for part in request.parts}
            problems = api.request_problems(operation, request.query, request.media, request.body, form)
            self.violations += [f"{operation.name}: {problem}" for problem in problems]
        call = Call(self.world, api, operation, at, request)
        reply = self._run(call)
        if described:
            body = reply.body
            problems = api.answer_problems(operation, reply.status, body)
            self.violations += [f"{operation.name} -> {reply.status}: {problem}" for problem in problems]
        reply.headers = {**self.face.headers(call), **call.headers, **reply.headers}
        return self._cached(request, reply), operation.name

    def _run(self, call: Call) -> Reply:
        name = call.operation.name
        try:
            route = self._route(call)
            with self.world.through_the_api():
                made = route(call)
        except ApiError as error:
            return self.face.error(error)
        except PlatformError as error:
            return self.face.error(self.face.translate(error))
        except Exception as error:  # a mistake in a route: the test shall say so, not hang
            self.violations.append(f"{name}: the route failed: {type(error).__name__}: {error}")
            return self.face.error(ApiError(500, "Internal Server Error"))
        reply = made if isinstance(made, Reply) else Reply(*made)
        if call.request.method not in _SAFE and reply.status < 400:
            self.effects[name] += 1
        return reply

    def _route(self, call: Call) -> Handler:
        """What answers, once it is known who calls. Raises ApiError."""
        login = self.face.authenticate(call.request, self.tokens)
        if login is None:
            given = "authorization" in call.request.headers
            raise ApiError(401, "Bad credentials" if given else "Requires authentication")
        call.login = login or self.world.bot
        found = self.face.routes.get(call.operation.name)
        if found is None:
            self.violations.append(f"{call.operation.name}: this server does not have it")
            raise ApiError(404, "Not Found")
        return found

    def _find(self, request: Request) -> tuple[Description, Operation, dict[str, str]] | None:
        path = self.face.readdress(self.world, request.path)
        segments = path.split("/")
        for name, template in self._undescribed:
            at = template.match(path, segments)
            if name.startswith(f"{request.method} ") and at is not None:
                return self.face.descriptions[0], Operation(name, {}), at
        for api in self.face.descriptions:
            matched = api.match(request.method, path)
            if matched is not None:
                return api, matched.operation, matched.at
        return None

    def _cached(self, request: Request, reply: Reply) -> Reply:
        """304 where the caller has it already."""
        if not self.face.etags or request.method != "GET" or reply.status != 200:
            return reply
        tag = f'"{sha256(json.dumps(reply.body, default=str).encode()).hexdigest()[:32]}"'
        reply.headers["ETag"] = tag
        if request.headers.get("if-none-match") == tag:
            return Reply(304, None, reply.headers)
        return reply

    # --- failing -----------------------------------------------------------------------------------------

    def _failure(self, fault: Fault) -> tuple[Reply, Ending]:
        if fault.kind == "no_connection":
            return Reply(0), "close"
        if fault.kind == "stall":
            return Reply(0), "stall"
        if fault.kind == "error":
            return self._bad_gateway(), "send"
        if fault.kind == "secondary_limit":
            refused = ApiError(403, "You have exceeded a secondary rate limit. Please wait.")
        else:
            refused = self.face.limited()
        reply = self.face.error(refused)
        if fault.retry_after is not None:
            reply.headers["Retry-After"] = str(fault.retry_after)
        return reply, "send"

    def _bad_gateway(self) -> Reply:
        """From a proxy in between, whatever the platform."""
        return Reply(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", {}, "text/html")

    def _log(self, request: Request, operation: str, status: int) -> None:
        headers = {
            name: "***" if re.search("auth|token|cookie|secret", name) else value
            for name, value in request.headers.items()
        }
        self.log.append(
            Logged(
                request.method, request.path, dict(request.query), headers, operation, status, request.body
            )
        )


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
