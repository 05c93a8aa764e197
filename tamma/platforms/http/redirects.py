"""Where redirects lead: to the same service with its credentials, elsewhere without any."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from tamma.model.hosts import is_loopback
from tamma.platforms.http.address import origin
from tamma.platforms.http.messages import NoAnswer, Request, Response
from tamma.platforms.http.transport import Transport, Wire, make_client
from tamma.platforms.interface import PlatformSettings

REDIRECTS = 5
_FOR_GOOD = (301, 307, 308)
_MOVED = (*_FOR_GOOD, 302, 303)


class Follower:
    """Follows what one account's service sends elsewhere. `url` has no slash at its end."""

    def __init__(self, settings: PlatformSettings, url: str, transport: Transport) -> None:
        self._settings = settings
        self._url = url
        self._transport = transport
        self._elsewhere: Wire | None = None

    async def follow(self, request: Request, response: Response) -> Response:
        """Within the origin as the same request (renamed repositories); elsewhere a GET without credentials.

        A write that is sent to another page (302, 303: a form to sign in) stays an answer of its own. Raises
        NoAnswer.
        """
        address = request.path if "://" in request.path else self._url + request.path
        for _ in range(REDIRECTS):
            where = response.headers.get("location")
            moved = _FOR_GOOD if request.writes else _MOVED
            if response.status not in moved or not where:
                return response
            try:
                address = urljoin(address, where)
                at_home = origin(address) == origin(self._url)
            except ValueError:
                return response  # no address at all
            request = replace(request, path=address, query={})
            if at_home:
                response = await self._transport.send(request)
            elif request.method in ("GET", "HEAD") and not _less_safe(self._url, address):
                response = await self._without_credentials(request)
            else:
                return response
        return response

    async def _without_credentials(self, request: Request) -> Response:
        if self._elsewhere is None:
            import httpx2

            self._elsewhere = Wire(make_client(self._settings), httpx2.HTTPError, httpx2.InvalidURL)
        try:
            return await self._elsewhere.send(replace(request, headers={}), request.path, {})
        except NoAnswer as failed:
            raise NoAnswer(f"from the storage of its logs and files: {failed}") from failed

    async def close(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.close()


def _less_safe(here: str, there: str) -> bool:
    """Whether following would be less safe: without encryption, or to what answers only those who are on this
    machine or its link (the credentials of a cloud's machines are at such an address)."""
    if not there.startswith("https:") and (here.startswith("https:") or not there.startswith("http:")):
        return True
    return _nearness(urlsplit(there).hostname or "") > _nearness(urlsplit(here).hostname or "")


def _nearness(host: str) -> int:
    """2: this link, where nobody has a storage. 1: this machine. 0: anywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return int(is_loopback(host))
    address = getattr(address, "ipv4_mapped", None) or address
    return 2 if address.is_link_local else int(address.is_loopback or address.is_unspecified)
