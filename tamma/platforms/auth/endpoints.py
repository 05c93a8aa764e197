"""Where each platform renews OAuth tokens, as its documentation says."""

from __future__ import annotations

from tamma.platforms.roots import web_root

_AT = {
    "github": "/login/oauth/access_token",
    "gitlab": "/oauth/token",
    "gitea": "/login/oauth/access_token",
    "forgejo": "/login/oauth/access_token",
    "bitbucket-dc": "/rest/oauth2/latest/token",
}
_FIXED = {
    "bitbucket": "https://bitbucket.org/site/oauth2/access_token",
    "azure-devops": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    "jira": "https://auth.atlassian.com/oauth/token",
}


def token_url(platform_type: str, base_url: str | None) -> str | None:
    """The token endpoint (RFC 6749, section 3.2) of a server; None where it must be configured."""
    if platform_type in _FIXED:
        return _FIXED[platform_type]
    root = web_root(platform_type, base_url)
    return root + _AT[platform_type] if root and platform_type in _AT else None
