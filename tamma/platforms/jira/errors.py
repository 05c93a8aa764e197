"""How Jira says no. Pure.

Sources: developer.atlassian.com/cloud/jira/platform/rest/v3 (status codes), and for the header
`X-Seraph-LoginReason` the knowledge base of Jira ("login reason"): wrong credentials need not be a 401, for
Jira goes on as for somebody who is not signed in.
"""

from __future__ import annotations

from tamma.errors import BadCredentials, NotFound, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, said

_NO_PROJECT = "does not exist for the field 'project'"
_NEW_ONE = (
    "Cloud: make a new API token at id.atlassian.com (Security, API tokens) and give it with the e-mail "
    'address as username and "authType": "basic"; Data Center: a personal access token of your profile'
)


def dialect() -> Dialect:
    def judge(answer: Answer) -> PlatformError | None:
        what = said(answer, spoken)
        login = answer.headers.get("x-seraph-loginreason", "").upper()
        if "AUTHENTICATION_DENIED" in login:
            hint = "sign in to Jira in a browser and answer its CAPTCHA once"
            return BadCredentials(what, hint=hint, platform=answer.platform, status=answer.status)
        if "AUTHENTICATED_FAILED" in login and answer.status < 500:
            return BadCredentials(what, hint=_NEW_ONE, platform=answer.platform, status=answer.status)
        if answer.status == 400 and _NO_PROJECT in answer.message:
            hint = 'check the "project" of "issues": it is the key of a project that the account may browse'
            return NotFound(what, hint=hint, platform=answer.platform, status=404)
        return None

    spoken = Dialect(
        "Jira",
        _NEW_ONE,
        "the account needs to browse the project, to add comments, and to edit and transition issues",
        "check the platform's baseUrl: it is the address of the site, such as https://example.atlassian.net",
        judge=judge,
    )
    return spoken
