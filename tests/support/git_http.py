"""Git over HTTP(S) without any package of the system's: Python's server in front of `git http-backend`.

The backend is what nginx and Apache run as well: the protocol is git's own. The real nginx and the real sshd
are in tests/support/git_servers.py.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from tests.support.certificates import Certificates


@dataclass(frozen=True, slots=True)
class Seen:
    """One request."""

    method: str
    path: str
    authorization: str | None


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """Words parted by spaces."""

    command: str
    environment: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered instead of git's own answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class HttpGit:
    """Serves the repositories below `root`. `login` (name, password) is wanted where it is given."""

    root: Path
    login: tuple[str, str] | None = None
    seen: list[Seen] = field(default_factory=list[Seen])
    instead: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """By the last part of a request's path and query, e.g. `git-upload-pack`."""
    processes: list[ProcessSeen] = field(default_factory=list["ProcessSeen"])
    """Of this machine, looked at during requests while `look` is set."""
    look: bool = False
    sent: int = 0
    """Bytes of git's own answers."""
    protocol: bool = True
    """Whether newer protocols than the first are spoken."""
    address: str = ""

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@contextmanager
def serving(given: HttpGit, certificates: Certificates | None = None) -> Generator[HttpGit]:
    """Serve until the block ends. Sets `given.address`."""
    handler = type("Handler", (_Handler,), {"given": given})
    server = _Server(("127.0.0.1", 0), handler)
    scheme = "http"
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        server.tls, scheme = context, "https"
    given.address = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield given
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        """In the request's own thread: a client that does not like the certificate stops no other."""
        assert isinstance(request, socket.socket)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as inner:
            super().finish_request(inner, client_address)
            inner.unwrap()  # says goodbye: without it the end of an answer looks like an attack

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is what some tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    given: HttpGit
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        given = self.given
        authorization = self.headers.get("Authorization")
        given.seen.append(Seen(self.command, self.path, authorization))
        if given.look:
            given.processes.extend(processes())
        body = self._body()
        answer = given.instead.get(self.path.rpartition("/")[2])
        if answer is None and not self._known(authorization):
            answer = Answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
        if answer is not None:
            self._say(answer)
        else:
            self._run_backend(body)

    def do_POST(self) -> None:
        self.do_GET()

    def _known(self, authorization: str | None) -> bool:
        if self.given.login is None:
            return True
        pair = base64.b64encode(":".join(self.given.login).encode()).decode()
        return authorization == f"Basic {pair}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _run_backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        env = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.given.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if self.given.protocol else "",
            "REMOTE_USER": "tester",
            "REMOTE_ADDR": "127.0.0.1",
        }
        pipe = subprocess.PIPE
        with subprocess.Popen(["git", "http-backend"], env=env, stdin=pipe, stdout=pipe) as backend:
            assert backend.stdin is not None
            assert backend.stdout is not None
            feeding = threading.Thread(target=_feed, args=(backend.stdin, body))
            feeding.start()
            self._pass_on(backend.stdout)
            feeding.join()

    def _pass_on(self, output: IO[bytes]) -> None:
        """CGI's answer as HTTP's, as it comes."""
        headers: dict[str, str] = {}
        while line := output.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name] = value.strip()
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while block := output.read(1 << 16):
                self.wfile.write(block)
                self.given.sent += len(block)
        except OSError:  # the client hung up: the backend must not wait for us
            while output.read(1 << 16):
                continue

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def _feed(pipe: IO[bytes], body: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        pipe.write(body)
    with contextlib.suppress(BrokenPipeError):
        pipe.close()


def processes() -> list[ProcessSeen]:
    """Every process of this machine that can be looked at."""
    found: list[ProcessSeen] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                command, environment = (
                    (entry / name).read_text(errors="replace").replace("\0", " ")
                    for name in ("cmdline", "environ")
                )
                found.append(ProcessSeen(command, environment))
    return found


def allow(repository: Path) -> None:
    """What servers allow nowadays: pushes, and clones that leave contents out."""
    for name in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        subprocess.run(["git", "-C", str(repository), "config", name, "true"], check=True)
