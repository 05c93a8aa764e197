"""python-gitlab as the way to the service, in threads of its own.

What the library does by itself is taken from it: it sleeps and repeats after limits, requests follows
redirects with the `PRIVATE-TOKEN` header still on (it takes only `Authorization` away), and the library's
errors have no headers. docs/decisions/0016-python-gitlab.md has what was measured.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from tamma.platforms.gitlab.call import Call, Refused
from tamma.platforms.http.credentials import Shown, unbroken
from tamma.platforms.http.messages import Body, NoAnswer, Request, Response
from tamma.platforms.interface import PlatformSettings, TokenSource

if TYPE_CHECKING:
    from gitlab import Gitlab

_BLOCK = 65_536
"""Bytes read at once at most."""


class PythonGitLab:
    """One account's `Transport`. `base` is the server's address, without `/api/v4`."""

    def __init__(
        self, settings: PlatformSettings, base: str, source: TokenSource, *, oauth: bool = False
    ) -> None:
        self._settings = settings
        self._base = base
        self._source = source
        self._oauth = oauth
        self._shown = Shown()
        self._threads = ThreadPoolExecutor(settings.max_concurrent, thread_name_prefix=f"{settings.id}-api")
        self._making = threading.Lock()
        self._session: Any = None
        self._client: tuple[str | None, Gitlab] | None = None

    async def send(self, request: Request) -> Response:
        """Raises NoAnswer, and BadCredentials for what can be no token. Cancelled, it takes the connection
        away from the thread that waits on it."""
        token = await self._source.token()
        if token is not None:
            self._shown.add(unbroken(token))
        call = Call()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._carry, request, token, call
            )
        except asyncio.CancelledError:
            call.give_up()
            raise

    async def refused(self) -> bool:
        return self._shown.last is not None and await self._source.refused(self._shown.last)

    def secrets(self) -> Sequence[str]:
        return tuple(self._shown)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            self._session.close()

    # --- in a thread -------------------------------------------------------------------------------------

    def _carry(self, request: Request, token: str | None, call: Call) -> Response:
        import requests
        import urllib3

        client = self._client_for(token)
        try:
            with call:
                answer = self._asked(client, request)
                try:
                    body = Body(request.tail)
                    # `read1` gives what is there: `read` would wait for a whole block of one that dribbles.
                    while piece := answer.raw.read1(_BLOCK, decode_content=True):
                        if call.given_up:
                            raise NoAnswer("the call was given up")
                        body.add(piece)
                finally:
                    answer.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__} ({error})") from error
        headers = cast("Mapping[str, str]", answer.headers)
        named = {name.lower(): value for name, value in headers.items()}
        return Response(answer.status_code, named, *body.end())

    def _asked(self, client: Gitlab, request: Request) -> Any:
        """The answer with its body still to come, whatever its status."""
        sent: dict[str, Any] = {}
        if request.json is not None:
            sent["post_data"] = request.json
        elif request.content is not None:
            sent |= {"post_data": request.content, "raw": True}
        try:
            return client.http_request(
                request.method.lower(),
                request.path,
                query_data=dict(request.query),
                streamed=True,
                obey_rate_limit=False,
                retry_transient_errors=False,
                max_retries=0,
                extra_headers=dict(request.headers),
                **sent,
            )
        except Refused as refused:
            return refused.answer

    def _client_for(self, token: str | None) -> Gitlab:
        """The library's client for `token`: one, until there is another token."""
        with self._making:
            if self._client is None or self._client[0] != token:
                from gitlab import Gitlab

                from tamma.platforms.gitlab.session import make_session

                if self._session is None:
                    self._session = make_session(self._settings)
                made = Gitlab(
                    self._base,
                    oauth_token=token if self._oauth else None,
                    private_token=None if self._oauth else token,
                    timeout=self._settings.timeout,
                    user_agent="tamma",
                    session=self._session,
                )
                self._client = (token, made)
            return self._client[1]
