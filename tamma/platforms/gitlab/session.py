"""The session of requests that python-gitlab is given: safe with a token, and one that can be given up."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from tamma.platforms.gitlab.call import Refused, current_call
from tamma.platforms.http.address import tls
from tamma.platforms.http.transport import CONNECT_TIMEOUT
from tamma.platforms.interface import PlatformSettings


def make_session(settings: PlatformSettings) -> requests.Session:
    """The account's: its proxy and authorities, no redirects, no cookies, no ~/.netrc. For many threads."""
    return _Session(settings)


class _Session(requests.Session):
    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__()
        self.trust_env = False  # ~/.netrc, and REQUESTS_CA_BUNDLE in place of the account's authorities
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["Accept"] = "application/json, text/plain, */*"
        self._proxy = settings.proxy
        self._timeouts = (min(CONNECT_TIMEOUT, settings.timeout), settings.timeout)
        adapter = _Adapter(settings)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises Refused for every answer but a success, redirects too."""
        proxies = get_environ_proxies(str(url), None)
        if self._proxy is not None:
            proxies = {"http": self._proxy, "https": self._proxy}
        kwargs |= {"allow_redirects": False, "timeout": self._timeouts, "proxies": proxies}
        answer = super().request(method, url, *args, **kwargs)
        if not 200 <= answer.status_code < 300:
            raise Refused(answer)
        return answer


class _Adapter(HTTPAdapter):
    """Connections by the account's own TLS context, which know the call that they serve."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._context = tls(settings.ca_file)
        super().__init__(pool_connections=4, pool_maxsize=settings.max_concurrent)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        made = super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)
        made.pool_classes_by_scheme = _POOLS
        return made

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context says it all. The library would load certifi's authorities into it."""


class _Plain(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        current_call().uses(self)
        super().request(*args, **kwargs)


class _Secure(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        current_call().uses(self)
        super().request(*args, **kwargs)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Plain)  # what a pool declares, its own classes do not fit either


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _Secure)


_POOLS: Any = {"http": _PlainPool, "https": _SecurePool}
