"""How Bitbucket Data Center says no. Pure.

Every refusal is `{"errors": [{"context", "message", "exceptionName"}]}`, and the name of the Java exception
tells more than the status: 401 is "who are you?" and "you may not" alike, 409 a stale version, a veto and a
conflict.
"""

from __future__ import annotations

from typing import Any, cast

from tamma.errors import BadCredentials, Forbidden, PlatformError
from tamma.platforms.http.errors import Answer, Dialect, said
from tamma.platforms.http.errors import reason as usual_reason
from tamma.platforms.http.messages import Response

DUPLICATE = "DuplicatePullRequestException"
NOT_PERMITTED = "AuthorisationException"
OUT_OF_DATE = ("PullRequestOutOfDateException", "CommentOutOfDateException")
"""Somebody changed it since its version was read: reading it again helps."""
REVIEWERS = "InvalidPullRequestReviewersException"
_LONGEST = 500
_NEW_ONE = (
    "make a new HTTP access token at Bitbucket (Manage account, HTTP access tokens; or the repository's "
    "settings) with repository write permission"
)


def reason(response: Response) -> str:
    """The messages, each with its exception's own name behind it."""
    try:
        body: object = response.json()
    except ValueError:
        return usual_reason(response)
    found = cast("dict[str, Any]", body).get("errors") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return usual_reason(response)
    told: list[str] = []
    for error in cast("list[Any]", found):
        if isinstance(error, dict):
            told += _told(cast("dict[str, Any]", error))
    return " ".join("; ".join(dict.fromkeys(told)).split())[:_LONGEST]


def _told(error: dict[str, Any]) -> list[str]:
    name = str(error.get("exceptionName") or "").rpartition(".")[2]
    message = str(error.get("message") or "")
    told = [f"{message} ({name})" if name else message]
    for detail in ("reviewerErrors", "vetoes"):
        inner = error.get(detail)
        for each in cast("list[Any]", inner) if isinstance(inner, list) else []:
            if isinstance(each, dict):
                fields = cast("dict[str, Any]", each)
                told.append(str(fields.get("message") or fields.get("summaryMessage") or ""))
    return [text for text in told if text]


def names(error: PlatformError, *exceptions: str) -> bool:
    """Whether the service named one of these exceptions."""
    return any(f"({name})" in error.message for name in exceptions)


def dialect() -> Dialect:
    def judge(answer: Answer) -> PlatformError | None:
        def made(kind: type[PlatformError], hint: str) -> PlatformError:
            what = said(answer, spoken)
            return kind(what, hint=hint, platform=answer.platform, status=answer.status)

        if "captcha" in answer.headers.get("x-authentication-denied-reason", "").lower():
            # After failed logins: Atlassian, "Authentication denied: CAPTCHA required".
            return made(BadCredentials, "sign in to Bitbucket in a browser and answer its CAPTCHA once")
        if answer.status == 401 and answer.has_token and NOT_PERMITTED in answer.message:
            return made(Forbidden, spoken.permission_hint)
        if "archived" in answer.message.lower() and answer.status in (400, 401, 403, 409):
            return made(
                Forbidden, "the repository is archived: take it out of the archive, or work on another one"
            )
        return None

    spoken = Dialect(
        "Bitbucket",
        _NEW_ONE,
        "the token needs repository write permission, and its user write access to the repository",
        "check the platform's baseUrl: it is the address of the server, such as https://bitbucket.example.com",
        judge=judge,
        reason=reason,
    )
    return spoken
