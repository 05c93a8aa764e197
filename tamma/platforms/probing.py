"""Asking an unknown server what it is: a few addresses that tell each kind, without any credentials.

No redirect is followed, so that nothing but the named host is asked; certificates are verified. What was
found is kept for a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tamma.model.hosts import is_loopback
from tamma.platforms.http.address import tls
from tamma.platforms.http.transport import proxied_client
from tamma.platforms.urls import Location

if TYPE_CHECKING:
    import httpx2

TIMEOUT = 3.0
"""Seconds for each question; all are asked at once."""
LIFE = 86_400.0
"""Seconds that an answer is believed."""
_LONGEST = 256 * 1024
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the server answered to one question."""

    status: int
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    """The JSON object of its body; empty where it is none."""


def _version(said: Said) -> bool:
    return said.status == 200 and isinstance(said.fields.get("version"), str)


def _gitlab(said: Said) -> bool:
    """It answers nobody without a token, in words of its own."""
    if _version(said):
        return "revision" in said.fields
    return said.status == 401 and (
        "x-gitlab-meta" in said.headers or said.fields.get("message") == "401 Unauthorized"
    )


def _data_center(said: Said) -> bool:
    return said.status == 200 and said.fields.get("displayName") == "Bitbucket"


def _enterprise(said: Said) -> bool:
    if "x-github-enterprise-version" in said.headers:
        return True
    return said.status == 200 and "verifiable_password_authentication" in said.fields


# In this order: Forgejo answers what Gitea answers, too.
QUESTIONS: tuple[tuple[str, str, Callable[[Said], bool]], ...] = (
    ("forgejo", "/api/forgejo/v1/version", _version),
    ("gitea", "/api/v1/version", _version),
    ("gitlab", "/api/v4/version", _gitlab),
    ("bitbucket-dc", "/rest/api/1.0/application-properties", _data_center),
    ("github", "/api/v3/meta", _enterprise),
)


class Probe:
    """`await probe(location)` gives the type of the server there. `folder` keeps what was found."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        ca_file: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._ca_file = ca_file
        self._clock = clock

    async def __call__(self, location: Location) -> str | None:
        """None where it does not answer, or as none of the servers that we know."""
        server = server_of(location)
        kept = self._recall(server)
        if kept is not None:
            return kept
        found = await self._ask(server)
        if found is not None:
            self._keep(server, found)
        return found

    async def _ask(self, server: str) -> str | None:
        async with proxied_client(
            headers={"accept": "application/json", "user-agent": "tamma"},
            timeout=TIMEOUT,
            follow_redirects=False,
            verify=tls(self._ca_file),
        ) as client:
            told = await asyncio.gather(*(_one(client, server + path) for _, path, _ in QUESTIONS))
        for (kind, _, is_it), said in zip(QUESTIONS, told, strict=True):
            if said is not None and is_it(said):
                return kind
        return None

    def _recall(self, server: str) -> str | None:
        if self._folder is None:
            return None
        try:
            kept = json.loads(self._file(self._folder, server).read_bytes())
            fresh = 0 <= self._clock() - float(kept["at"]) < LIFE
            known = any(kept["type"] == kind for kind, _, _ in QUESTIONS)
            return kept["type"] if fresh and known and kept["server"] == server else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, server: str, kind: str) -> None:
        if self._folder is None or not self._folder.parent.is_dir():
            return  # a command that only looks begins no home
        path = self._file(self._folder, server)
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"server": server, "type": kind, "at": self._clock()}, file)
            fresh.replace(path)
        except OSError:
            return  # a full or read-only disk: it is asked again

    @staticmethod
    def _file(folder: Path, server: str) -> Path:
        return folder / f"host-{hashlib.sha256(server.encode()).hexdigest()[:32]}.json"


def server_of(location: Location) -> str:
    """Where its web server would be: by https, and by http on this machine where a port says so."""
    local = location.port is not None and is_loopback(location.host.strip("[]"))
    return f"{'http' if local else 'https'}://{location.netloc}"


async def _one(client: httpx2.AsyncClient, url: str) -> Said | None:
    import httpx2

    body = b""
    try:
        async with asyncio.timeout(TIMEOUT), client.stream("GET", url) as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LONGEST:
                    return None
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Said(answer.status_code, headers, _fields(body))
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError):
        return None


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
