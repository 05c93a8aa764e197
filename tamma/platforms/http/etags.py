"""Answers that are asked for again with their ETag: where nothing changed, the service sends no body, and
GitHub counts no call. Opportunistic: what is not kept is simply asked for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from tamma.platforms.http.messages import Request, Response

ENTRIES = 500
LARGEST = 256 * 1024
"""Bytes of a body that is worth keeping."""


class Etags:
    """The last answers of one account, at most 500 of at most 256 kB."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, Response]] = OrderedDict()

    def ask(self, request: Request) -> Request:
        """The request, conditional where an answer is kept."""
        kept = self._kept.get(_key(request)) if request.cacheable else None
        if kept is None:
            return request
        return replace(request, headers={**request.headers, "if-none-match": kept[0]})

    def take(self, request: Request, response: Response) -> Response:
        """The answer, or the kept one where nothing changed; a new one is kept."""
        if not request.cacheable:
            return response
        key = _key(request)
        if response.status == 304 and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][1]
        etag = response.headers.get("etag")
        if response.status == 200 and etag and len(response.body) <= LARGEST:
            self._kept[key] = (etag, response)
            self._kept.move_to_end(key)
            if len(self._kept) > ENTRIES:
                self._kept.popitem(last=False)
        else:
            self._kept.pop(key, None)
        return response


def _key(request: Request) -> str:
    return repr((request.path, sorted(request.query.items()), sorted(request.headers.items())))
