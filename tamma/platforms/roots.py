"""From the address of a server's API to the server's own, and to the hosts that mean it. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

DEFAULT_ROOTS = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "bitbucket": "https://bitbucket.org",
    "azure-devops": "https://dev.azure.com",
}
"""Where a type is without a `baseUrl`."""
_API_PATHS = ("/api/v3", "/api/graphql", "/api/v4", "/api/v1", "/rest/api/1.0", "/rest/api/latest", "/rest")
_API_HOSTS = {"api.github.com": "github.com", "api.bitbucket.org": "bitbucket.org"}


def web_root(platform_type: str, base_url: str | None) -> str | None:
    """`https://HOST[:PORT][/PATH]` where people look at it, from where its API is; None for no address."""
    if base_url is None:
        return DEFAULT_ROOTS.get(platform_type)
    parts = urlsplit(base_url)
    netloc = parts.netloc.rpartition("@")[2].lower()
    if netloc in _API_HOSTS:
        return f"{parts.scheme}://{_API_HOSTS[netloc]}"
    path = parts.path.rstrip("/")
    for ending in _API_PATHS:
        if path.lower().endswith(ending):
            path = path[: -len(ending)]
            break
    return urlunsplit((parts.scheme.lower(), netloc, path.rstrip("/"), "", ""))
