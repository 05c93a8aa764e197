"""What Azure DevOps means by its statuses and exceptions. Pure.

An error's body has a `message`, mostly with a number (`TF401179: ...`), and a `typeKey`, the exception's
name. Sources: learn.microsoft.com/azure/devops ("Rate and usage limits", "Troubleshoot TF errors"), and the
answers of its services.
"""

from __future__ import annotations

import re

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    StaleHead,
    Transient,
)
from tamma.platforms.http.errors import Answer, Dialect, limited, reason, said, wait_of
from tamma.platforms.http.limits import DEFAULT_WAIT
from tamma.platforms.http.messages import Response

SIGN_IN = (
    "make a new personal access token (User settings > Personal access tokens) for this organization, "
    "or sign in again"
)
_PERMISSIONS = (
    "the token needs the scopes Code (read, write & status), Work Items (read & write) and Build (read & "
    "execute), and its user the permission to contribute to the repository"
)
_REFUSED = re.compile(r"TF400813|VS30063|TF30063")
_LIMITED = re.compile(r"TF400733|VS403467|exceeding usage of resource")
_MISSING = re.compile(
    r"TF401019|TF200016|TF401232|TF401175|TF401174|TF401180|VS800075|TF401035|"
    r"(?:NotFound|DoesNotExist|UnauthorizedAccess)\w*Exception\)"
)
_THERE = re.compile(r"TF401179|ExistsException\)")
_STALE = re.compile(r"TF401028|TF401192|GitReferenceStaleException|GitPullRequestStaleException")
_RACE = re.compile(r"TF26071|VS403208|WorkItemRevisionMismatchException|TestPatchOperationFailedException")
_OLD_SERVER = re.compile(r"VssVersionOutOfRange|VssVersionNotSupported|VssInvalidPreviewVersion")
_DENIED = re.compile(r"TF401027|TF402455|TF401020|TF401289|NeedsPermissionException|RejectedByPolicy")
_SWITCHED_OFF = re.compile(r"TF401014|repository is disabled", re.IGNORECASE)


def dialect() -> Dialect:
    return Dialect(
        name="Azure DevOps",
        token_hint=SIGN_IN,
        permission_hint=_PERMISSIONS,
        base_url_hint="baseUrl is https://dev.azure.com, or https://HOST/FOLDER/COLLECTION of a server",
        judge=judge,
        reason=reason_of,
        refuses=refuses,
    )


def refuses(response: Response) -> bool:
    """A page to sign in comes with 203, or with 200 behind a redirect: the credentials were not accepted."""
    page = "text/html" in response.headers.get("content-type", "")
    return response.status >= 300 or response.status == 203 or page


def reason_of(response: Response) -> str:
    """The message, and the exception's name where there is one."""
    words = reason(response)
    try:
        body: object = response.json()
    except ValueError:
        return words
    found = re.search(r'"typeKey"\s*:\s*"(\w+)"', response.text) if isinstance(body, dict) else None
    return f"{words} ({found[1]})" if found and found[1] not in words else words


def judge(answer: Answer) -> PlatformError | None:
    """The error where Azure DevOps means something of its own."""
    what, status, platform = said(answer, _NAMED), answer.status, answer.platform
    message = answer.message

    def made(kind: type[PlatformError], hint: str | None = None) -> PlatformError:
        return kind(what, hint=hint, platform=platform, status=status)

    if status < 400 and "text/html" in answer.headers.get("content-type", ""):
        hint = SIGN_IN if answer.has_token else f"no token is configured: {SIGN_IN}"
        what = f"Azure DevOps answered {answer.doing} with a page to sign in"
        return BadCredentials(what, hint=hint, platform=platform, status=status)
    if status == 203 or _REFUSED.search(message):
        return made(BadCredentials, SIGN_IN)
    if status == 429 or _LIMITED.search(message):
        return limited(answer, _NAMED, wait_of(answer) or DEFAULT_WAIT)
    if _STALE.search(message):
        return made(StaleHead)
    if _RACE.search(message):
        return made(Transient, "somebody changed it at the same time: it is tried again")
    if _THERE.search(message):
        return made(Conflict)
    if _SWITCHED_OFF.search(message):
        return made(Forbidden, "the repository is disabled: enable it in Project settings > Repositories")
    if _DENIED.search(message) and status in (400, 403, 409):
        return made(
            Forbidden, "branch policies or permissions forbid it: deliver by a pull request, or ask for them"
        )
    if _MISSING.search(message) and status in (400, 404):
        return made(NotFound, "check the spelling, and whether the token may see it")
    if _OLD_SERVER.search(message):
        return made(PlatformError, 'set "options": {"apiVersion": "6.0"} to what this server knows')
    return None


_NAMED = Dialect("Azure DevOps", SIGN_IN)
