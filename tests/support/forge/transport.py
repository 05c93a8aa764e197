"""HTTP to requests and back: bodies in all their forms, and connections that end badly."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.support.forge.calls import Part, Reply, Request

Ending = Literal["send", "close", "stall"]
Answerer = Callable[[Request], "tuple[Reply, Ending]"]
_STALLED = 60.0
"""Seconds after which even a stalled connection ends: a test that waits so long has failed."""


def read_request(method: str, target: str, headers: dict[str, str], raw: bytes) -> Request:
    """Names of `headers` in lower case. A body that is not of its media type is left in `raw` alone."""
    parts = urlsplit(target)
    media = headers.get("content-type", "").partition(";")[0].strip().lower() if raw else ""
    request = Request(method, parts.path, parse_qsl(parts.query, keep_blank_values=True), headers, media, raw)
    if media == "application/json" or media.endswith("+json"):
        request.body = json.loads(raw)
    elif media == "multipart/form-data":
        request.parts = _multipart(headers["content-type"], raw)
    elif media == "application/x-www-form-urlencoded":
        pairs = parse_qsl(raw.decode(), keep_blank_values=True)
        request.parts = [Part(name, value.encode()) for name, value in pairs]
    return request


def _multipart(content_type: str, raw: bytes) -> list[Part]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: list[Part] = []
    for part in BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts():
        content: Any = part.get_payload(decode=True)
        name: Any = part.get_param("name", header="content-disposition")
        found.append(Part(str(name), content, part.get_filename()))
    return found


def write_body(reply: Reply) -> tuple[bytes, str]:
    """The bytes and their media type."""
    if reply.body is None:
        return b"", reply.media
    if isinstance(reply.body, bytes):
        return reply.body, reply.media or "application/octet-stream"
    if isinstance(reply.body, str):
        return reply.body.encode(errors="surrogateescape"), reply.media or "text/plain; charset=utf-8"
    return json.dumps(reply.body).encode(), reply.media or "application/json; charset=utf-8"


def handler(answer: Answerer, closing: threading.Event) -> type[BaseHTTPRequestHandler]:
    """`closing` ends the connections that are stalled."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True  # the client went away: nothing is left to answer

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            length = int(headers.get("content-length") or 0)
            raw = self.rfile.read(length) if length else b""
            if headers.get("transfer-encoding", "").lower() == "chunked":
                raw = self._chunks()
            reply, ending = answer(read_request(self.command, self.path, headers, raw))
            if ending == "stall":
                closing.wait(_STALLED)
            if ending != "send":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            payload, media = write_body(reply)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if media:
                self.send_header("Content-Type", media)
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(payload)

        def _chunks(self) -> bytes:
            found = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet: requests are listed in the server's `log`."""

    return Handler
