"""What GitLab's answers mean where they mean something of their own. Pure.

Sources: docs.gitlab.com/api/rest/troubleshooting (status codes), docs.gitlab.com/api/merge_requests (merge).
"""

from __future__ import annotations

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, limited, said, wait_of
from tamma.platforms.http.limits import DEFAULT_WAIT

_NOT_ALLOWED = ("/merge", "/approve", "/unapprove", "/cancel_merge_when_pipeline_succeeds")
"""For these GitLab says 401 where the user may not do it, whatever the token."""


def _judge(answer: Answer) -> PlatformError | None:
    what, status, platform = said(answer, GITLAB), answer.status, answer.platform
    text = answer.message.lower()
    if status == 401 and answer.doing.endswith(_NOT_ALLOWED):
        hint = "the user may not do it: it takes the role Developer, or a rule of the branch forbids it"
        return Forbidden(what, hint=hint, platform=platform, status=status)
    if status == 403 and "retry later" in text:  # the older form of its limits
        return limited(answer, GITLAB, wait_of(answer) or DEFAULT_WAIT)
    if status == 403 and "insufficient_scope" in text:
        hint = "the token lacks a scope: it needs api"
        return Forbidden(what, hint=hint, platform=platform, status=status)
    if status == 405 and "moved projects" in text:
        hint = "the project was renamed or moved: use its new path"
        return NotFound(what, hint=hint, platform=platform, status=status)
    if status == 400 and "already exists" in text:
        return Conflict(what, platform=platform, status=status)
    return None


GITLAB = Dialect(
    "GitLab",
    "GITLAB_TOKEN, or the account's accessToken, is missing, expired or revoked: it needs the scope api",
    permission_hint="the token needs the scope api and its user the role Developer or more in the project",
    base_url_hint="does baseUrl name the server, such as https://gitlab.example.com?",
    judge=_judge,
)
